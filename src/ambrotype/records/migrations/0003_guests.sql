-- Guests and their links to users, sessions of the gallery, and what each owner uses.

set local search_path = ambrotype, pg_temp;

-- Linking -----------------------------------------------------------------------------------------------------

-- A guest is linked once, to a user of the same app, and for ever. `linked_items` is what the link told; `moved_at`
-- is when its last row had moved over.
alter table owner
  add column linked_at timestamptz,
  add column linked_items bigint,
  add column moved_at timestamptz,
  add foreign key (merged_into, app) references owner (id, app),
  add check (merged_into is null or kind = 'guest'),
  add check ((merged_into is null) = (linked_at is null)),
  add check (moved_at is null or merged_into is not null);
create index owner_moving on owner (linked_at) where merged_into is not null and moved_at is null;

create function guard_owner() returns trigger language plpgsql
set search_path = ambrotype, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'an owner is never deleted' using errcode = 'restrict_violation';
  end if;
  if (new.id, new.app, new.kind, new.subject) is distinct from (old.id, old.app, old.kind, old.subject) then
    raise exception 'who an owner is never changes' using errcode = 'restrict_violation';
  end if;
  if old.merged_into is not null and new.merged_into is distinct from old.merged_into then
    raise exception 'a guest is linked once' using errcode = 'restrict_violation';
  end if;
  if new.merged_into is not null and old.merged_into is null
     and not exists (select from owner o where o.id = new.merged_into and o.kind = 'user') then
    raise exception 'a guest is linked to a user' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger guard before update or delete on owner for each row execute function guard_owner();

create table guest_token (
  hash       bytea primary key,
  owner_id   uuid not null references owner,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at   timestamptz
);
create index guest_token_owner on guest_token (owner_id);
alter table guest_token enable row level security;   -- no policy and no grant: only the functions below see it

-- Whose rows the caller sees: their own, and those of linked guests that have not all moved over yet. A guest's own
-- token ends with the link, also for a request that showed it a moment before.
create or replace function current_owners() returns uuid[] language sql stable security definer parallel safe
set search_path = ambrotype, pg_temp as $$
  with me as (
    select coalesce(o.merged_into, o.id) as id
    from owner o, (select claims() as c) as claim
    where o.app = coalesce(c ->> 'ambrotype_app', 'default')
      and o.kind = coalesce(c ->> 'ambrotype_kind', 'user')
      and o.subject = c ->> 'sub'
      and (o.merged_into is null or coalesce(c ->> 'role', '') <> 'guest')
  )
  select coalesce(array_agg(id), '{}') from (
    select id from me union select o.id from owner o join me on o.merged_into = me.id where o.moved_at is null
  ) as mine
$$;

-- The same with every guest that was ever linked: events and tombstones keep the owner that they were written with.
create function former_owners() returns uuid[] language sql stable security definer parallel safe
set search_path = ambrotype, pg_temp as $$
  with me as (
    select coalesce(o.merged_into, o.id) as id
    from owner o, (select claims() as c) as claim
    where o.app = coalesce(c ->> 'ambrotype_app', 'default')
      and o.kind = coalesce(c ->> 'ambrotype_kind', 'user')
      and o.subject = c ->> 'sub'
      and (o.merged_into is null or coalesce(c ->> 'role', '') <> 'guest')
  )
  select coalesce(array_agg(id), '{}') from (
    select id from me union select o.id from owner o join me on o.merged_into = me.id
  ) as mine
$$;

drop policy mine on event;
create policy mine on event to ambrotype_app using (owner_id = any ((select former_owners())::uuid[]));

create or replace function deliverable(item uuid)
returns table (
  id uuid, app text, owner_id uuid, status text, visibility text, name text, kind text, bucket text, path text,
  size bigint, content_type text, sha256 bytea, created_at timestamptz, kept_at timestamptz, deleted_at timestamptz,
  lost_code text, lost_detail text, gone_reason text, gone_at timestamptz, source_url text, source_trusted boolean,
  mine boolean
) language sql stable security definer rows 1 set search_path = ambrotype, pg_temp as $$
  select m.id, m.app, m.owner_id, m.status, m.visibility, m.name, m.kind, m.bucket, m.path, m.size, m.content_type,
         m.sha256, m.created_at, m.kept_at, m.deleted_at, m.lost_code, m.lost_detail, m.gone_reason, m.gone_at,
         case when asks.mine and m.status in ('temporary', 'keeping') then
           (select t.source_url from media_text t where t.media_id = m.id) end,
         m.source_trusted, asks.mine
  from media m, lateral (
    select m.owner_id = any (former_owners()) or current_setting('role', true) = 'ambrotype_service' as mine
  ) as asks
  where m.id = item
$$;

-- The caller's own owner, made on first use. A guest's row is locked against linking until the transaction ends, so
-- that no row of a guest appears behind the link.
create or replace function own(fresh uuid) returns uuid language plpgsql volatile security definer
set search_path = ambrotype, pg_temp as $$
declare
  c jsonb := claims();
  found_id uuid;
  merged uuid;
begin
  if c ->> 'sub' is null then
    raise exception 'no owner in the claims' using errcode = 'insufficient_privilege';
  end if;
  if c ->> 'ambrotype_kind' = 'guest' then
    select id, merged_into into found_id, merged from owner
    where app = coalesce(c ->> 'ambrotype_app', 'default') and kind = 'guest' and subject = c ->> 'sub'
    for key share;
  else
    select id, merged_into into found_id, merged from owner
    where app = coalesce(c ->> 'ambrotype_app', 'default') and kind = coalesce(c ->> 'ambrotype_kind', 'user')
      and subject = c ->> 'sub';
  end if;
  if found_id is null then
    insert into owner as o (id, app, kind, subject)
    values (fresh, coalesce(c ->> 'ambrotype_app', 'default'), coalesce(c ->> 'ambrotype_kind', 'user'), c ->> 'sub')
    on conflict (app, kind, subject) do update set subject = excluded.subject
    returning o.id, o.merged_into into found_id, merged;
  end if;
  if merged is not null and c ->> 'role' = 'guest' then
    raise exception 'this guest has been linked' using errcode = 'invalid_authorization_specification';
  end if;
  return coalesce(merged, found_id);
end $$;

-- A token for the guest that the claims name; false where that guest has become a user's, who signs in as such.
create function make_guest(digest bytea, fresh uuid, until timestamptz) returns boolean language plpgsql volatile
security definer set search_path = ambrotype, pg_temp as $$
declare
  guest uuid := own(fresh);
begin
  if not exists (select from owner o where o.id = guest and o.kind = 'guest') then return false; end if;
  insert into guest_token (hash, owner_id, expires_at) values (digest, guest, until);
  return true;
end $$;

create function known_guest(digest bytea) returns table (app text, subject text) language sql stable security definer
rows 1 set search_path = ambrotype, pg_temp as $$
  select o.app, o.subject from guest_token t join owner o on o.id = t.owner_id
  where t.hash = digest and t.ended_at is null and t.expires_at > now() and o.merged_into is null
$$;

-- Links the guest of a token to the user that the claims name: the token proves the one, the claims the other. One
-- short transaction whatever the size of the library: the rows move behind it. The lock on the guest's row lets one of
-- several links win, and waits for what the guest is just putting in.
create function link_guest(digest bytea, fresh uuid, out outcome text, out guest text, out items bigint)
language plpgsql volatile security definer set search_path = ambrotype, pg_temp as $$
declare
  c jsonb := claims();
  me uuid;
  found_guest owner;
begin
  if coalesce(c ->> 'ambrotype_kind', 'user') <> 'user' then
    raise exception 'only a user can take a guest over' using errcode = 'insufficient_privilege';
  end if;
  select o.* into found_guest from owner o join guest_token t on t.owner_id = o.id where t.hash = digest for update of o;
  if not found or found_guest.app <> coalesce(c ->> 'ambrotype_app', 'default') then
    outcome := 'unknown';
    return;
  end if;
  me := own(fresh);
  guest := 'guest:' || found_guest.subject;
  if found_guest.merged_into = me then
    outcome := 'linked';
    items := found_guest.linked_items;
    return;
  elsif found_guest.merged_into is not null then
    outcome := 'taken';
    return;
  end if;
  if not exists (select from guest_token t where t.hash = digest and t.ended_at is null and t.expires_at > now()) then
    outcome := 'unknown';
    return;
  end if;
  items := (select count(*) from media m where m.owner_id = found_guest.id and m.deleted_at is null
              and m.status in ('temporary', 'keeping', 'kept', 'lost', 'expired'))
           + (select count(*) from media m where m.owner_id = found_guest.id and m.deleted_at is not null
              and m.status <> 'tombstone');
  update owner set merged_into = me, linked_at = now(), linked_items = items where id = found_guest.id;
  update guest_token set ended_at = now() where owner_id = found_guest.id and ended_at is null;
  outcome := 'linked';
end $$;

-- Moving ------------------------------------------------------------------------------------------------------

-- What hangs on these items goes with them. Tombstones and events stay with whom they were written for.
create function move_dependents(items uuid[], target uuid) returns void language sql volatile
set search_path = ambrotype, pg_temp as $$
  update media_text set owner_id = target where media_id = any (items);
  update media_parent set owner_id = target where media_id = any (items);
  update capture set owner_id = target where media_id = any (items);
$$;

-- Whether the target knows this source at this place already: the moved item then stays beside theirs, as if it had been
-- kept with `again`.
create function known_source(target uuid, m media) returns boolean language sql stable
set search_path = ambrotype, pg_temp as $$
  select exists (
    select from media u where u.owner_id = target and u.source_hash = m.source_hash
      and coalesce(u.project, '') = coalesce(m.project, '') and coalesce(u.slot, '') = coalesce(m.slot, '')
      and not u.again and u.deleted_at is null and u.status <> 'tombstone')
$$;

-- One slot, whole: the guest's versions come behind those of the user, whose current one stays.
create function move_slot(guest uuid, target uuid, place_project text, place_name text) returns bigint
language plpgsql volatile set search_path = ambrotype, pg_temp as $$
declare
  theirs slot;
  base integer;
  items uuid[];
begin
  insert into slot (owner_id, project, name) values (target, place_project, place_name) on conflict do nothing;
  select s.last_version into base from slot s
  where s.owner_id = target and s.project = place_project and s.name = place_name for update;
  select * into theirs from slot s
  where s.owner_id = guest and s.project = place_project and s.name = place_name for update;
  with moved as (
    update media m set owner_id = target, version = m.version + base, again = m.again or known_source(target, m)
    where m.owner_id = guest and m.project = place_project and m.slot = place_name and m.status <> 'tombstone'
    returning m.id
  )
  select coalesce(array_agg(id), '{}') into items from moved;
  perform move_dependents(items, target);
  update slot s set current_id = coalesce(s.current_id, theirs.current_id),
    last_version = greatest(s.last_version + coalesce(theirs.last_version, 0),
                            (select max(m.version) from media m where m.id = any (items)))
  where s.owner_id = target and s.project = place_project and s.name = place_name;
  delete from slot s where s.owner_id = guest and s.project = place_project and s.name = place_name;
  return cardinality(items);
end $$;

-- What a guest has besides items and slots: nothing yet. A migration that adds such a table replaces this function.
create function move_rest(guest uuid, target uuid) returns void language plpgsql volatile
set search_path = ambrotype, pg_temp as $$
begin
end $$;

-- The next rows of a linked guest, about `most` items: false when there is nothing left to move for anybody. Each call
-- is a transaction of its own; in between, and for ever if no worker runs, the policies show both owners' rows as one.
create function move_guests(most integer) returns boolean language plpgsql volatile security definer
set search_path = ambrotype, pg_temp as $$
declare
  guest owner;
  place record;
  batch uuid[];
  items uuid[];
  done bigint := 0;
begin
  select * into guest from owner where merged_into is not null and moved_at is null
  order by linked_at limit 1 for no key update skip locked;
  if not found then return false; end if;
  for place in select project, name from slot where owner_id = guest.id
               union select project, slot from media
               where owner_id = guest.id and slot is not null and status <> 'tombstone' loop
    done := done + move_slot(guest.id, guest.merged_into, place.project, place.name);
    if done >= most then return true; end if;
  end loop;
  -- Two arms, because there are two indexes that begin with the owner: media_status and media_trash.
  batch := array(
    select id from media where owner_id = guest.id and deleted_at is null and slot is null
      and status in ('temporary', 'keeping', 'kept', 'lost', 'expired') limit most
  ) || array(
    select id from media where owner_id = guest.id and deleted_at is not null and slot is null
      and status <> 'tombstone' limit most
  );
  with moved as (
    update media m set owner_id = guest.merged_into, again = m.again or known_source(guest.merged_into, m)
    where m.id = any (batch) and m.owner_id = guest.id and m.status <> 'tombstone' returning m.id
  )
  select coalesce(array_agg(id), '{}') into items from moved;
  perform move_dependents(items, guest.merged_into);
  if cardinality(batch) = 0 then
    perform move_rest(guest.id, guest.merged_into);
    update owner set moved_at = now() where id = guest.id;
  end if;
  return true;
end $$;

-- Sessions of the gallery -------------------------------------------------------------------------------------

create table session (
  hash       bytea primary key,
  role       text collate "C" not null check (role in ('service', 'app', 'read', 'user')),
  app        text collate "C" not null,
  subject    text collate "C",
  key_id     uuid references api_key,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  check ((role = 'user') = (subject is not null))
);
create index session_age on session (expires_at);

create table sign_in (
  hash       bytea primary key,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

alter table session enable row level security;
alter table sign_in enable row level security;
create policy everything on session to ambrotype_service, ambrotype_worker using (true);
create policy everything on sign_in to ambrotype_service, ambrotype_worker using (true);
grant select, insert, delete on session, sign_in to ambrotype_service;
grant select, delete on session, sign_in to ambrotype_worker;

-- Usage and quotas --------------------------------------------------------------------------------------------

-- What each owner holds. Changes are appended, so that writers of one owner never wait for each other; the worker folds
-- them into one row an owner.
create table usage (
  owner_id uuid primary key references owner,
  items    bigint not null,
  bytes    bigint not null
);
create table usage_change (
  id       bigint generated always as identity primary key,
  owner_id uuid not null,
  items    integer not null,
  bytes    bigint not null
);
create index usage_change_owner on usage_change (owner_id);
alter table usage enable row level security;
alter table usage_change enable row level security;

insert into usage (owner_id, items, bytes)
select owner_id, count(*), coalesce(sum(size) filter (where status = 'kept'), 0) from media
where status in ('temporary', 'keeping', 'kept') group by owner_id;

-- An item counts from its acceptance until it is lost, expired or purged; its bytes from when they are kept. The trash counts.
create function count_media() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
declare
  items integer := (new.status in ('temporary', 'keeping', 'kept'))::integer;
  bytes bigint := case when new.status = 'kept' then new.size else 0 end;
  were integer := 0;
  held bigint := 0;
begin
  if tg_op = 'UPDATE' then
    were := (old.status in ('temporary', 'keeping', 'kept'))::integer;
    held := case when old.status = 'kept' then old.size else 0 end;
    if old.owner_id <> new.owner_id then
      insert into usage_change (owner_id, items, bytes) values (old.owner_id, -were, -held);
      were := 0;
      held := 0;
    end if;
  end if;
  if (items, bytes) <> (were, held) then
    insert into usage_change (owner_id, items, bytes) values (new.owner_id, items - were, bytes - held);
  end if;
  return null;
end $$;
create trigger count_new after insert on media for each row execute function count_media();
create trigger count_changed after update on media for each row
  when (old.status <> new.status or old.owner_id <> new.owner_id) execute function count_media();

create function used(by_owners uuid[], out items bigint, out bytes bigint) language sql stable security definer
set search_path = ambrotype, pg_temp as $$
  select coalesce(sum(u.items), 0)::bigint, coalesce(sum(u.bytes), 0)::bigint from (
    select c.items, c.bytes from usage c where c.owner_id = any (by_owners)
    union all select c.items, c.bytes from usage_change c where c.owner_id = any (by_owners)
  ) as u
$$;

create function fold_usage(most integer) returns bigint language plpgsql volatile security definer
set search_path = ambrotype, pg_temp as $$
declare
  n bigint;
begin
  with gone as (
    delete from usage_change where id in (select id from usage_change order by id limit most for update skip locked)
    returning owner_id, items, bytes
  ), folded as (
    insert into usage as u (owner_id, items, bytes)
    select g.owner_id, sum(g.items), sum(g.bytes) from gone g group by g.owner_id order by g.owner_id
    on conflict (owner_id) do update set items = u.items + excluded.items, bytes = u.bytes + excluded.bytes
  )
  select count(*) into n from gone;
  return n;
end $$;

-- Why one more item of `incoming` bytes (null: unknown) is too much now that it has been counted; null when it is not.
create function over_quota(incoming bigint, most_items bigint, most_bytes bigint) returns text language plpgsql stable
security definer set search_path = ambrotype, pg_temp as $$
declare
  now_items bigint;
  now_bytes bigint;
begin
  select u.items, u.bytes into now_items, now_bytes from used(current_owners()) as u;
  if now_items > most_items then
    return format('There is room for %s items, and all of it is taken; delete and purge some.', most_items);
  end if;
  if now_bytes + greatest(coalesce(incoming, 0), 1) > most_bytes then
    return format('There is room for %s bytes, and %s are taken; delete and purge some.', most_bytes, now_bytes);
  end if;
  return null;
end $$;

-- Until the transaction ends nobody else puts in anything for this owner: two at once would both find the last place.
create function lock_quota(me uuid) returns void language sql volatile set search_path = ambrotype, pg_temp as $$
  select pg_advisory_xact_lock(hashtextextended(me::text, 1634558577));  -- "ambq"
$$;

-- As in migration 0002, within a quota: an item that is over it fails alone, and leaves nothing behind.
drop function accept(jsonb, uuid);
create function accept(items jsonb, fresh_owner uuid, most_items bigint, most_bytes bigint)
returns table (n bigint, id uuid, outcome text, detail text) language plpgsql volatile
set search_path = ambrotype, pg_temp as $$
declare
  me uuid := own(fresh_owner);
  limited boolean := most_items is not null or most_bytes is not null;
  i jsonb;
begin
  if limited then perform lock_quota(me); end if;
  for n, i in select t.ordinality, t.value from jsonb_array_elements(items) with ordinality as t loop
    if not limited then
      select a.id, a.outcome, a.detail into id, outcome, detail from accept_one(me, i) as a;
    else
      begin
        select a.id, a.outcome, a.detail into id, outcome, detail from accept_one(me, i) as a;
        if outcome in ('new', 'resumed') then
          detail := over_quota((i ->> 'incoming')::bigint, most_items, most_bytes);
          if detail is not null then raise exception 'over quota' using errcode = 'AQ001'; end if;
        end if;
      exception when sqlstate 'AQ001' then
        id := null;
        outcome := 'over_quota';
      end;
    end if;
    return next;
  end loop;
  perform pg_notify('ambrotype_capture', '');
end $$;

revoke execute on all functions in schema ambrotype from public;
grant execute on function former_owners(), known_guest(bytea), over_quota(bigint, bigint, bigint), lock_quota(uuid),
  accept(jsonb, uuid, bigint, bigint) to ambrotype_app, ambrotype_service;
grant execute on function former_owners() to ambrotype_worker;
grant execute on function make_guest(bytea, uuid, timestamptz), link_guest(bytea, uuid) to ambrotype_app;
grant execute on function move_guests(integer), fold_usage(integer) to ambrotype_worker;
