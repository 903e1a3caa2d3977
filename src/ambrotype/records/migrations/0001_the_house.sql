-- Tables, roles, grants, policies and guards. Runs as ambrotype_owner, which owns everything here and which no
-- service ever runs as; the runner has made the roles and the schema before.
--
--   ambrotype_app      a request for one owner: sees and changes what is theirs, by policy
--   ambrotype_service  a request of an administrator (a service key that names no owner)
--   ambrotype_worker   captures and sweeps
--
-- None of the three holds DELETE or TRUNCATE on media, and the guards below hold for everybody.

set local search_path = ambrotype, pg_temp;
grant usage on schema ambrotype to ambrotype_app, ambrotype_service, ambrotype_worker;
alter default privileges revoke execute on functions from public;

-- Who ---------------------------------------------------------------------------------------------------------

create table owner (
  id          uuid primary key,
  app         text collate "C" not null check (app ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  kind        text collate "C" not null check (kind in ('user', 'guest', 'service')),
  subject     text collate "C" not null check (length(subject) between 1 and 255),
  merged_into uuid references owner,
  created_at  timestamptz not null default now(),
  unique (app, kind, subject),
  unique (id, app)
);
create index owner_merged on owner (merged_into) where merged_into is not null;

create table api_key (
  id           uuid primary key,
  name         text not null,
  role         text collate "C" not null check (role in ('service', 'app', 'read')),
  app          text collate "C" not null,
  prefix       text collate "C" not null,
  hash         bytea not null unique,
  created_at   timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at   timestamptz
);

-- The owners that the caller is: the one its claims name, and guests that were merged into it. Supabase's and
-- PostgREST's claims ({"sub", "role"}) mean a user of the app `default`; our own requests say app and kind too.
create function claims() returns jsonb stable parallel safe
  return coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}'::jsonb);

create function current_owners() returns uuid[] language sql stable security definer parallel safe
set search_path = ambrotype, pg_temp as $$
  with me as (
    select coalesce(o.merged_into, o.id) as id
    from owner o, (select claims() as c) as claim
    where o.app = coalesce(c ->> 'ambrotype_app', 'default')
      and o.kind = coalesce(c ->> 'ambrotype_kind', 'user')
      and o.subject = c ->> 'sub'
  )
  select coalesce(array_agg(id), '{}') from (
    select id from me union select o.id from owner o join me on o.merged_into = me.id
  ) as mine
$$;

-- The caller's own owner, made on first use.
create function own(fresh uuid) returns uuid language plpgsql volatile security definer
set search_path = ambrotype, pg_temp as $$
declare
  c jsonb := claims();
  found_id uuid;
begin
  if c ->> 'sub' is null then
    raise exception 'no owner in the claims' using errcode = 'insufficient_privilege';
  end if;
  select coalesce(merged_into, id) into found_id from owner
  where app = coalesce(c ->> 'ambrotype_app', 'default') and kind = coalesce(c ->> 'ambrotype_kind', 'user')
    and subject = c ->> 'sub';
  if found_id is not null then return found_id; end if;
  insert into owner (id, app, kind, subject)
  values (fresh, coalesce(c ->> 'ambrotype_app', 'default'), coalesce(c ->> 'ambrotype_kind', 'user'), c ->> 'sub')
  on conflict (app, kind, subject) do update set subject = excluded.subject
  returning coalesce(merged_into, id) into found_id;
  return found_id;
end $$;

-- What --------------------------------------------------------------------------------------------------------

-- One row a media item, for ever: it ends as a tombstone, never as nothing.
create table media (
  id                 uuid primary key,
  app                text collate "C" not null,
  owner_id           uuid not null,
  status             text collate "C" not null
                     check (status in ('temporary', 'keeping', 'kept', 'lost', 'expired', 'tombstone')),
  kind               text collate "C" not null check (kind in ('image', 'video', 'audio')),
  source             text collate "C" not null check (source in ('upload', 'generation', 'enhanced', 'stock')),
  enhancement        text,
  visibility         text collate "C" not null check (visibility in ('private', 'unlisted', 'public')),
  name               text not null,
  favorite           boolean not null default false,
  provider           text collate "C",
  model              text collate "C",
  request_id         text collate "C",
  generation_id      uuid,
  project            text collate "C",
  slot               text collate "C",
  version            integer,
  source_hash        bytea,                        -- core/sources.key of the source URL
  again              boolean not null default false,
  source_expires_at  timestamptz,
  source_expiry_rule text collate "C",
  source_trusted     boolean not null default false,   -- told by a key or a configured provider
  layout             text collate "C" not null,
  bucket             text collate "C",
  path               text collate "C",
  size               bigint check (size >= 0),
  content_type       text collate "C",
  sha256             bytea check (length(sha256) = 32),
  width              integer,
  height             integer,
  duration           double precision,
  thumbhash          bytea,
  inspection         text collate "C" not null default 'pending' check (inspection in ('pending', 'done', 'failed')),
  inspection_detail  text,
  lost_code          text collate "C",
  lost_detail        text,
  lost_retryable     boolean,
  gone_reason        text,
  expires_at         timestamptz,
  created_at         timestamptz not null default now(),
  kept_at            timestamptz,
  updated_at         timestamptz not null default clock_timestamp(),
  deleted_at         timestamptz,
  gone_at            timestamptz,
  foreign key (owner_id, app) references owner (id, app),
  check (deleted_at is null or path is not null),
  check (status <> 'kept' or (bucket is not null and path is not null and size is not null
         and content_type is not null and sha256 is not null and kept_at is not null)),
  check ((status = 'lost') = (lost_code is not null)),
  check ((status = 'tombstone') = (gone_at is not null)),
  check (slot is null or (project is not null and version is not null))
);
-- A source is known once by owner and place.
create unique index media_source on media (owner_id, source_hash, coalesce(project, ''), coalesce(slot, ''))
  where source_hash is not null and not again and deleted_at is null and status <> 'tombstone';
create index media_newest on media (owner_id, created_at, id) where status <> 'tombstone';
create index media_newest_all on media (created_at, id) where status <> 'tombstone';
create index media_at_risk on media (coalesce(source_expires_at, 'infinity'), id) where status in ('temporary', 'keeping');
create index media_keeping on media (id) where status = 'keeping';
create index media_until on media (expires_at) where expires_at is not null and status = 'kept' and deleted_at is null;
create unique index media_version on media (owner_id, project, slot, version) where slot is not null;
create unique index media_object on media (bucket, path) where path is not null;

create table media_text (
  media_id    uuid primary key references media,
  owner_id    uuid not null references owner,
  source_url  text,
  title       text,
  description text,
  tags        text[] not null default '{}',
  metadata    jsonb not null default '{}',
  attribution jsonb,
  prompt      text,
  settings    jsonb not null default '{}',
  provenance  jsonb not null default '{"c2pa": "absent", "digital_source_type": null, "generator": null}',
  cost        jsonb,
  search      tsvector not null default ''         -- made by the application, core/words.py
);

create table media_parent (
  media_id  uuid not null references media,
  parent_id uuid not null references media,
  role      text not null check (length(role) between 1 and 64),
  owner_id  uuid not null references owner,
  position  integer not null,
  primary key (media_id, parent_id, role),
  check (media_id <> parent_id)
);
create index media_parent_up on media_parent (parent_id);

-- A named place in a project. Its lock numbers the versions.
create table slot (
  owner_id     uuid not null references owner,
  project      text collate "C" not null check (length(project) between 1 and 255),
  name         text collate "C" not null check (length(name) between 1 and 255),
  last_version integer not null default 0,
  current_id   uuid references media,
  created_at   timestamptz not null default now(),
  primary key (owner_id, project, name)
);

-- A capture that is due; gone when it has ended. The table is the queue. If a row is lost, the sweep makes it
-- again from media and media_text: the media row is the promise, this is only its timetable.
create table capture (
  media_id    uuid primary key references media,
  owner_id    uuid not null references owner,
  url         text not null,
  host        text collate "C" not null,
  trusted     boolean not null default false,     -- a key's or a configured provider's: AMBROTYPE_FETCH_ALLOW holds
  deadline    timestamptz not null,
  assumed     boolean not null default false,     -- the deadline is only a policy's
  urgent_at   timestamptz,                        -- somebody waits for it: before all others
  not_before  timestamptz not null default now(),
  attempts    integer not null default 0,
  lease       uuid,
  lease_until timestamptz,
  last_code   text collate "C",
  last_detail text,
  created_at  timestamptz not null default now()
);
create index capture_host on capture (host, deadline) where lease is null;
create index capture_urgent on capture (urgent_at) where urgent_at is not null;
create index capture_owner on capture (owner_id, deadline) where lease is null;
create index capture_leased on capture (lease_until) where lease is not null;

-- A person's decision to give up kept bytes; without one no row may lose them.
create table purge (
  media_id     uuid primary key references media,
  bucket       text collate "C" not null,
  path         text collate "C" not null,
  decided_by   text not null,
  decided_at   timestamptz not null default now(),
  remove_after timestamptz not null,
  removed_at   timestamptz
);
create index purge_due on purge (remove_after) where removed_at is null;

-- What happened, append-only. Readers take it up to pg_snapshot_xmin(pg_current_snapshot()) in (xid, id) order:
-- an id alone would lose transactions that commit late.
create table event (
  id            bigint generated always as identity primary key,
  xid           xid8 not null default pg_current_xact_id(),
  at            timestamptz not null default clock_timestamp(),
  app           text collate "C" not null,
  owner_id      uuid not null,
  media_id      uuid,
  generation_id uuid,
  type          text collate "C" not null,
  data          jsonb not null default '{}'
);
create index event_order on event (xid, id);
create index event_media on event (media_id, id);

create table idempotency (
  principal  text collate "C" not null,
  key        text collate "C" not null,
  request    bytea not null,
  status     integer,
  body       bytea,
  created_at timestamptz not null default now(),
  primary key (principal, key)
);
create index idempotency_age on idempotency (created_at);

create table worker (
  id         uuid primary key,
  host       text not null,
  pid        integer not null,
  state      text collate "C" not null check (state in ('running', 'paused')),
  detail     text,
  started_at timestamptz not null default now(),
  seen_at    timestamptz not null default now()
);

-- Guards ------------------------------------------------------------------------------------------------------

create function guard_media() returns trigger language plpgsql
set search_path = ambrotype, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if new.status not in ('temporary', 'keeping', 'kept') then
      raise exception 'a media item cannot begin as %', new.status using errcode = 'check_violation';
    end if;
    return new;
  end if;
  if tg_op = 'DELETE' then
    raise exception 'a media row is never deleted: it ends as a tombstone' using errcode = 'restrict_violation';
  end if;
  if (new.id, new.app, new.created_at) is distinct from (old.id, old.app, old.created_at) then
    raise exception 'id, app and time of a media item never change' using errcode = 'restrict_violation';
  end if;
  if new.status <> old.status and (old.status, new.status) not in (
    ('temporary', 'keeping'), ('expired', 'keeping'), ('lost', 'keeping'),
    ('keeping', 'kept'), ('keeping', 'lost'), ('temporary', 'expired'),
    ('temporary', 'tombstone'), ('keeping', 'tombstone'), ('lost', 'tombstone'), ('expired', 'tombstone'),
    ('kept', 'tombstone')
  ) then
    raise exception 'a media item cannot go from % to %', old.status, new.status using errcode = 'restrict_violation';
  end if;
  if old.status = 'tombstone' and new.* is distinct from old.* then
    raise exception 'a tombstone never changes' using errcode = 'restrict_violation';
  end if;
  if old.status = 'kept' and new.status = 'kept'
     and (new.bucket, new.path, new.size, new.sha256, new.kept_at)
         is distinct from (old.bucket, old.path, old.size, old.sha256, old.kept_at) then
    raise exception 'a kept item cannot lose or change its bytes' using errcode = 'restrict_violation';
  end if;
  -- Nested, so that whoever may not read `purge` never plans to: as one condition it is refused once the plan is generic.
  if old.status = 'kept' and new.status = 'tombstone' then
    if old.deleted_at is null or not exists (select from purge p where p.media_id = old.id) then
      raise exception 'a kept item ends only from the trash and by a recorded purge' using errcode = 'restrict_violation';
    end if;
  end if;
  new.updated_at := clock_timestamp();
  return new;
end $$;
create trigger guard before insert or update or delete on media for each row execute function guard_media();

-- What processes remember of keys for a moment, they forget at once.
create function tell_key() returns trigger language plpgsql as $$
begin
  perform pg_notify('ambrotype_key', '');
  return null;
end $$;
create trigger tell_key after update of revoked_at on api_key for each row execute function tell_key();

create function refuse() returns trigger language plpgsql as $$
begin
  raise exception '% on %.% is refused', tg_op, tg_table_schema, tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger no_truncate before truncate on media execute function refuse();
create trigger no_truncate before truncate on media_text execute function refuse();
create trigger no_truncate before truncate on event execute function refuse();
create trigger no_truncate before truncate on purge execute function refuse();
create trigger append_only before update or delete on event for each row execute function refuse();

-- Every change of state is an event, whoever made it and however.
create function tell_media() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
declare
  what text;
  why jsonb := '{}';
begin
  if tg_op = 'INSERT' or new.status <> old.status then
    what := case when new.status = 'tombstone' then 'purged' else new.status end;
    if new.status = 'lost' then why := jsonb_build_object('code', new.lost_code, 'detail', new.lost_detail); end if;
    if new.status = 'tombstone' then why := jsonb_build_object('reason', new.gone_reason); end if;
  elsif new.deleted_at is distinct from old.deleted_at then
    what := case when new.deleted_at is null then 'restored' else 'trashed' end;
  else
    return null;
  end if;
  insert into event (app, owner_id, media_id, type, data) values (new.app, new.owner_id, new.id, 'media.' || what, why);
  if what <> 'keeping' then perform pg_notify('ambrotype_media', new.id::text); end if;
  return null;
end $$;
create trigger tell after insert or update on media for each row execute function tell_media();

-- A slot shows its newest kept version again when the one it showed goes to the trash, and has something to show when
-- one comes back from there.
create function follow_slot() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
begin
  update slot s set current_id = (
    select m.id from media m
    where m.owner_id = new.owner_id and m.project = new.project and m.slot = new.slot
      and m.status = 'kept' and m.deleted_at is null
    order by m.version desc limit 1
  )
  where s.owner_id = new.owner_id and s.project = new.project and s.name = new.slot
    and (s.current_id = new.id or s.current_id is null);
  return null;
end $$;
create trigger follow_slot after update on media for each row
  when (new.slot is not null and new.deleted_at is distinct from old.deleted_at) execute function follow_slot();

-- Rows --------------------------------------------------------------------------------------------------------

alter table owner enable row level security;
alter table media enable row level security;
alter table media_text enable row level security;
alter table media_parent enable row level security;
alter table slot enable row level security;
alter table capture enable row level security;
alter table event enable row level security;
alter table api_key enable row level security;
alter table purge enable row level security;
alter table idempotency enable row level security;
alter table worker enable row level security;

create policy mine on owner to ambrotype_app using (id = any ((select current_owners())::uuid[]));
create policy mine on media to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]));
create policy mine on media_text to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]))
  with check (owner_id = any ((select current_owners())::uuid[]) and exists (select from media m where m.id = media_id));
-- Foreign keys look past policies; these checks do not: both ends of an edge must be the caller's.
create policy mine on media_parent to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]))
  with check (owner_id = any ((select current_owners())::uuid[]) and exists (select from media m where m.id = media_id)
              and exists (select from media m where m.id = parent_id));
create policy mine on slot to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]))
  with check (owner_id = any ((select current_owners())::uuid[])
              and (current_id is null or exists (select from media m where m.id = current_id)));
create policy mine on capture to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]))
  with check (owner_id = any ((select current_owners())::uuid[]) and exists (select from media m where m.id = media_id));
create policy mine on event to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]));

create policy everything on owner to ambrotype_service, ambrotype_worker using (true);
create policy everything on media to ambrotype_service, ambrotype_worker using (true);
create policy everything on media_text to ambrotype_service, ambrotype_worker using (true);
create policy everything on media_parent to ambrotype_service, ambrotype_worker using (true);
create policy everything on slot to ambrotype_service, ambrotype_worker using (true);
create policy everything on capture to ambrotype_service, ambrotype_worker using (true);
create policy everything on event to ambrotype_service, ambrotype_worker using (true);
create policy everything on purge to ambrotype_worker using (true);
create policy everything on worker to ambrotype_worker, ambrotype_service using (true);
create policy everything on api_key to ambrotype_service using (true);
create policy everything on idempotency to ambrotype_service, ambrotype_worker using (true);

grant select on owner, media, media_text, media_parent, slot, event to ambrotype_app, ambrotype_service, ambrotype_worker;
grant insert on media_text, media_parent, slot, capture to ambrotype_app, ambrotype_service, ambrotype_worker;
-- Nobody can make a row that points at bytes: only the worker's update of a `keeping` row does.
grant insert (id, app, owner_id, status, kind, source, enhancement, visibility, name, favorite, provider, model, request_id,
              generation_id, project, slot, version, source_hash, again, source_expires_at, source_expiry_rule, source_trusted, layout,
              content_type, expires_at, created_at)
  on media to ambrotype_app, ambrotype_service;
grant select on capture to ambrotype_app, ambrotype_service, ambrotype_worker;
grant update on capture to ambrotype_app, ambrotype_service, ambrotype_worker;
grant delete on capture to ambrotype_worker;
grant update (last_version, current_id) on slot to ambrotype_app, ambrotype_service, ambrotype_worker;
-- A caller may ask for keeping (again) and edit; what the bytes are, only the worker says.
grant update (status, name, favorite, visibility, expires_at, enhancement, lost_code, lost_detail, lost_retryable,
              source_hash, source_expires_at, source_expiry_rule, source_trusted, deleted_at, updated_at)
  on media to ambrotype_app, ambrotype_service;
grant update (status, kind, name, bucket, path, size, content_type, sha256, width, height, duration, thumbhash, inspection,
              inspection_detail, lost_code, lost_detail, lost_retryable, kept_at, deleted_at, updated_at,
              source_expires_at, source_expiry_rule)
  on media to ambrotype_worker;
grant update (source_url, title, description, tags, metadata, attribution, prompt, settings, search)
  on media_text to ambrotype_app, ambrotype_service;
grant update on media_text to ambrotype_worker;
grant select, insert, update, delete on worker to ambrotype_worker;
grant select on worker to ambrotype_service;
grant select, insert on api_key to ambrotype_service;
grant update (revoked_at) on api_key to ambrotype_service;
grant select, update (removed_at) on purge to ambrotype_worker;
grant select, insert, update, delete on idempotency to ambrotype_service;
grant select, delete on idempotency to ambrotype_worker;

-- What is reached by address and not by ownership -------------------------------------------------------------

-- Delivery columns of an item, whoever asks; the caller of this decides by visibility and signature. The source's
-- URL comes with it only for its owner and for administrators.
create function deliverable(item uuid)
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
    select m.owner_id = any (current_owners()) or current_setting('role', true) = 'ambrotype_service' as mine
  ) as asks
  where m.id = item
$$;

-- Somebody waits for this item: its capture goes before all others. By address, so that whoever may see the item
-- when it is kept can ask for it; it discloses nothing.
create function hurry(item uuid) returns void language sql volatile security definer
set search_path = ambrotype, pg_temp as $$
  update capture set urgent_at = now() where media_id = item and urgent_at is null;
  select pg_notify('ambrotype_capture', '');
$$;

-- Keys by the hash of what was shown once.
create function known_key(digest bytea)
returns table (id uuid, name text, role text, app text) language sql volatile security definer rows 1
set search_path = ambrotype, pg_temp as $$
  update api_key k set last_used_at = now()
  where k.hash = digest and k.revoked_at is null and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
  select k.id, k.name, k.role, k.app from api_key k where k.hash = digest and k.revoked_at is null;
$$;

-- An item without bytes ends at once; its running capture is cancelled. `who` is null for the sweep.
create function discard(item uuid, reason text) returns boolean language plpgsql volatile security definer
set search_path = ambrotype, pg_temp as $$
begin
  if not (current_setting('role', true) in ('ambrotype_service', 'ambrotype_worker')
          or exists (select from media m where m.id = item and m.owner_id = any (current_owners()))) then
    return false;
  end if;
  delete from capture where media_id = item;
  update media set status = 'tombstone', gone_at = now(), gone_reason = reason, lost_code = null, lost_detail = null,
         lost_retryable = null
  where id = item and status in ('temporary', 'keeping', 'lost', 'expired');
  return found;
end $$;

-- A person's purge from the trash: the row becomes a tombstone, the object goes after the days of grace.
create function purge_item(item uuid, who text, grace interval) returns boolean language plpgsql volatile security definer
set search_path = ambrotype, pg_temp as $$
begin
  if not (current_setting('role', true) = 'ambrotype_service'
          or exists (select from media m where m.id = item and m.owner_id = any (current_owners()))) then
    return false;
  end if;
  insert into purge (media_id, bucket, path, decided_by, remove_after)
  select id, bucket, path, who, now() + grace from media
  where id = item and status = 'kept' and deleted_at is not null
  on conflict (media_id) do nothing;
  update media set status = 'tombstone', gone_at = now(), gone_reason = 'purged'
  where id = item and status = 'kept' and deleted_at is not null;
  return found;
end $$;

-- Rows whose source died unasked for go after `age`; not those that something was made from.
create function sweep_expired(age interval) returns bigint language plpgsql volatile security definer
set search_path = ambrotype, pg_temp as $$
declare
  n bigint;
begin
  update media m set status = 'tombstone', gone_at = now(), gone_reason = 'expired'
  where m.status = 'expired' and m.updated_at < now() - age
    and not exists (select from media_parent p where p.parent_id = m.id);
  get diagnostics n = row_count;
  return n;
end $$;

-- Which of the guards, policies and grants are in force is checked by `doctor`; the version of all this by the runner.
revoke execute on all functions in schema ambrotype from public;
grant execute on function claims(), current_owners(), deliverable(uuid), hurry(uuid)
  to ambrotype_app, ambrotype_service, ambrotype_worker;
grant execute on function own(uuid), discard(uuid, text), purge_item(uuid, text, interval) to ambrotype_app, ambrotype_service;
grant execute on function discard(uuid, text), sweep_expired(interval) to ambrotype_worker;
grant execute on function known_key(bytea) to ambrotype_app, ambrotype_service;
