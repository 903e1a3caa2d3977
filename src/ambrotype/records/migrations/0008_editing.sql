-- Editing, trash, lineage, versions, and actions on many items.

set local search_path = ambrotype, pg_temp;

grant update (again) on media to ambrotype_app, ambrotype_service;
grant insert (owner_id, project, name) on slot to ambrotype_app, ambrotype_service;

-- An edit as an event: which fields, not their values.
create function edited(item uuid, fields text[]) returns void language plpgsql volatile security definer
set search_path = ambrotype, pg_temp as $$
begin
  insert into event (app, owner_id, media_id, type, data)
  select m.app, m.owner_id, m.id, 'media.edited', jsonb_build_object('fields', to_jsonb(fields))
  from media m
  where m.id = item and (m.owner_id = any (current_owners()) or current_setting('role', true) = 'ambrotype_service');
  perform pg_notify('ambrotype_media', item::text);
end $$;

-- What was made from an item and still exists.
create function dependents(item uuid) returns bigint language sql stable security definer
set search_path = ambrotype, pg_temp as $$
  select count(*) from media_parent p join media m on m.id = p.media_id
  where p.parent_id = item and m.status <> 'tombstone'
$$;

-- A slot's newer current version, chosen by its owner; told as an event.
create function tell_slot() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
begin
  insert into event (app, owner_id, media_id, type, data)
  select m.app, m.owner_id, m.id, 'slot.current',
         jsonb_build_object('project', new.project, 'slot', new.name, 'version', m.version)
  from media m where m.id = new.current_id;
  return null;
end $$;
create trigger tell_slot after update of current_id on slot for each row
  when (new.current_id is not null and new.current_id is distinct from old.current_id) execute function tell_slot();

-- The trash is emptied by itself only where AMBROTYPE_TRASH_DAYS is set; not what something was made from.
create function empty_trash(age interval, grace interval) returns bigint language plpgsql volatile security definer
set search_path = ambrotype, pg_temp as $$
declare
  due uuid[];
begin
  due := array(
    select m.id from media m
    where m.deleted_at < now() - age and m.status = 'kept' and dependents(m.id) = 0
    order by m.deleted_at limit 1000 for update skip locked
  );
  insert into purge (media_id, bucket, path, decided_by, remove_after)
  select m.id, m.bucket, m.path, 'AMBROTYPE_TRASH_DAYS', now() + grace from media m where m.id = any (due)
  on conflict (media_id) do nothing;
  update media m set status = 'tombstone', gone_at = now(), gone_reason = 'purged' where m.id = any (due);
  return cardinality(due);
end $$;
create index media_trashed on media (deleted_at) where deleted_at is not null and status = 'kept';

-- An action on more items than one request may wait for: who asked, what, how far it is.
create table operation (
  id          uuid primary key,
  principal   jsonb not null,
  owner_name  text collate "C" not null,
  request     jsonb not null,
  state       text collate "C" not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
  done        bigint not null default 0,
  total       bigint not null,
  failures    jsonb not null default '[]',
  position    text,
  created_at  timestamptz not null default now(),
  lease_until timestamptz,
  finished_at timestamptz
);
create index operation_waiting on operation (created_at) where state in ('waiting', 'running');
alter table operation enable row level security;
create policy everything on operation to ambrotype_service, ambrotype_worker using (true);
grant select, insert on operation to ambrotype_service;
grant select, update on operation to ambrotype_worker;

-- Items that look like this one: all whose perceptual hash differs in at most seven bits, and of those that differ in up to
-- `bits` the ones that agree, but for one bit, in one of its four bands. The nearest first.
create function near_duplicates(item uuid, bits integer) returns table (id uuid, distance integer)
language plpgsql stable security definer rows 20 set search_path = ambrotype, pg_temp as $$
declare
  h bigint;
  o uuid;
  keys bigint[];
begin
  select m.phash, m.owner_id into h, o from media m
  where m.id = item and (m.owner_id = any (current_owners()) or current_setting('role', true) = 'ambrotype_service');
  if h is null then return; end if;
  select array_agg(distinct k) into keys
  from generate_series(0, 16) as n, lateral (select case n when 16 then 0 else 1::bigint << n end as turned) as t,
       unnest(likeness_keys(o, h # (turned | turned << 16 | turned << 32 | turned << 48))) as k;
  return query execute
    'select near.id, near.d from ('
    '  select m.id, bit_count((m.phash # $2)::bit(64))::integer as d from media m'
    '  where likeness_keys(m.owner_id, m.phash) && $1 and m.phash is not null and m.owner_id = $3 and m.id <> $4'
    ') as near where near.d <= $5 order by near.d, near.id limit 1000'
    using keys, h, o, item, bits;
end $$;

-- How many items a filter names, counted up to `most`.
create function count_media(f jsonb, most integer) returns bigint language plpgsql stable security definer
set search_path = ambrotype, pg_temp as $$
declare
  n bigint;
begin
  execute format('select count(*) from (select from media m where %s limit %s) as found', media_conditions(f), most) into n;
  return n;
end $$;

-- For apps that read by SQL: the current item of each slot, and its URL, of the owner whom the claims name.
create view current_media with (security_invoker = true) as
  select m.id, m.owner_id, s.project, s.name as slot, m.version, m.kind, m.content_type, m.visibility, m.bucket, m.path,
         m.size, m.width, m.height, m.duration, m.kept_at, m.created_at, m.name
  from slot s join media m on m.id = s.current_id;
grant select on current_media to ambrotype_app, ambrotype_service;

-- What URLs begin with, written by `serve`; read by the function below only.
create table instance (
  one         boolean primary key default true check (one),
  public_url  text not null,
  kid         text not null,
  inner_pad   bytea not null,
  outer_pad   bytea not null,
  written_at  timestamptz not null default now()
);
alter table instance enable row level security;
create policy everything on instance to ambrotype_worker using (true);
grant select, insert, update on instance to ambrotype_worker;

create function url_encode(value text) returns text language sql immutable strict set search_path = pg_catalog as $$
  select string_agg(case when chr(b) ~ '[A-Za-z0-9_.~-]' and b < 128 then chr(b) else '%' || upper(lpad(to_hex(b), 2, '0')) end, '' order by n)
  from (select n, get_byte(convert_to(value, 'UTF8'), n) as b from generate_series(0, octet_length(convert_to(value, 'UTF8')) - 1) as n) as x
$$;

-- A slot's URL: permanent, and signed for an hour and up to two where the item is private. HMAC-SHA-256 from sha256() alone.
create function media_url(in_project text, in_slot text) returns text language plpgsql stable security definer
set search_path = ambrotype, pg_temp as $$
declare
  m record;
  i record;
  until bigint;
  message text;
  signature bytea;
  plain text;
begin
  select x.id, x.name, x.visibility into m from slot s join media x on x.id = s.current_id
  where s.owner_id = any (current_owners()) and s.project = in_project and s.name = in_slot limit 1;
  select * into i from instance;
  if m.id is null or i.public_url is null then return null; end if;
  plain := i.public_url || '/m/' || m.id || '/' || url_encode(m.name);
  if m.visibility <> 'private' then return plain; end if;
  until := (ceil((extract(epoch from now()) + 3600) / 3600) * 3600)::bigint;
  -- As delivery/signing.py writes it.
  message := 'exp=' || until || E'\nid=' || m.id || E'\nkid=' || url_encode(i.kid);
  signature := sha256(i.outer_pad || sha256(i.inner_pad || convert_to(message, 'UTF8')));
  return plain || '?exp=' || until || '&kid=' || url_encode(i.kid) || '&sig='
         || rtrim(translate(encode(signature, 'base64'), E'+/\n', '-_'), '=');
end $$;

revoke execute on all functions in schema ambrotype from public;
grant execute on function edited(uuid, text[]), dependents(uuid), media_url(text, text), count_media(jsonb, integer),
  near_duplicates(uuid, integer)
  to ambrotype_app, ambrotype_service;
grant execute on function empty_trash(interval, interval), dependents(uuid) to ambrotype_worker;
