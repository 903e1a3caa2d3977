-- Collections (moodboards, albums) and shares.

set local search_path = ambrotype, pg_temp;

create table collection (
  id          uuid primary key,
  owner_id    uuid not null references owner,
  name        text not null check (length(name) between 1 and 255),
  description text,
  visibility  text collate "C" not null default 'private' check (visibility in ('private', 'unlisted', 'public')),
  featured_id uuid references media,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);
create index collection_owner on collection (owner_id, created_at, id);

-- The order is a number between its neighbours', chosen under the collection's lock; it never runs out.
create table collection_item (
  collection_id uuid not null references collection on delete cascade,
  media_id      uuid not null references media,
  owner_id      uuid not null references owner,
  position      numeric not null,
  note          text,
  added_at      timestamptz not null default now(),
  primary key (collection_id, media_id)
);
create unique index collection_item_order on collection_item (collection_id, position);
create index collection_item_media on collection_item (media_id);

-- What a share shows lives and dies with its row; its token is found by its hash only.
create table share (
  id             uuid primary key,
  owner_id       uuid not null references owner,
  app            text collate "C" not null,
  media_id       uuid references media,
  collection_id  uuid references collection on delete cascade,
  project        text collate "C",
  slot           text collate "C",
  kid            text collate "C" not null,
  token_hash     bytea not null unique,
  password_hash  text,
  expires_at     timestamptz,
  allow_download boolean not null default true,
  views          bigint not null default 0,
  revoked_at     timestamptz,
  created_at     timestamptz not null default now(),
  check (num_nonnulls(media_id, collection_id, slot) = 1 and (slot is null) = (project is null))
);
create index share_owner on share (owner_id, created_at, id);

alter table collection enable row level security;
alter table collection_item enable row level security;
alter table share enable row level security;
create policy mine on collection to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]))
  with check (owner_id = any ((select current_owners())::uuid[])
              and (featured_id is null or exists (select from media m where m.id = featured_id)));
create policy mine on collection_item to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]))
  with check (owner_id = any ((select current_owners())::uuid[]) and exists (select from media m where m.id = media_id)
              and exists (select from collection c where c.id = collection_id));
create policy mine on share to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]))
  with check (owner_id = any ((select current_owners())::uuid[])
              and (media_id is null or exists (select from media m where m.id = media_id))
              and (collection_id is null or exists (select from collection c where c.id = collection_id)));
create policy everything on collection to ambrotype_service, ambrotype_worker using (true);
create policy everything on collection_item to ambrotype_service, ambrotype_worker using (true);
create policy everything on share to ambrotype_service, ambrotype_worker using (true);
grant select, insert, update, delete on collection, collection_item to ambrotype_app, ambrotype_service;
grant select, insert on share to ambrotype_app, ambrotype_service;
grant update (expires_at, allow_download, password_hash, revoked_at) on share to ambrotype_app, ambrotype_service;
grant select on collection, collection_item, share to ambrotype_worker;

-- A share by its token's hash, whoever asks: nothing of its owner but what it shows.
create function shared(digest bytea)
returns table (id uuid, media_id uuid, collection_id uuid, project text, slot text, owner_id uuid, password_hash text,
               expires_at timestamptz, allow_download boolean)
language sql stable security definer rows 1 set search_path = ambrotype, pg_temp as $$
  select s.id, s.media_id, s.collection_id, s.project, s.slot, s.owner_id, s.password_hash, s.expires_at, s.allow_download
  from share s
  where s.token_hash = digest and s.revoked_at is null and (s.expires_at is null or s.expires_at > now())
$$;

-- What a share shows: kept items outside the trash, in order.
create function shared_media(share_id uuid)
returns table (id uuid, name text, kind text, content_type text, width integer, height integer, title text, note text)
language sql stable security definer rows 50 set search_path = ambrotype, pg_temp as $$
  select m.id, m.name, m.kind, m.content_type, m.width, m.height, t.title, i.note
  from share s
  join lateral (
    select s.media_id as media_id, 0::numeric as position, null::text as note where s.media_id is not null
    union all
    select ci.media_id, ci.position, ci.note from collection_item ci where ci.collection_id = s.collection_id
    union all
    select sl.current_id, 0, null from slot sl
    where sl.owner_id = s.owner_id and sl.project = s.project and sl.name = s.slot and sl.current_id is not null
  ) as i on true
  join media m on m.id = i.media_id and m.status = 'kept' and m.deleted_at is null
  join media_text t on t.media_id = m.id
  where s.id = share_id and s.revoked_at is null and (s.expires_at is null or s.expires_at > now())
  order by i.position limit 1000
$$;

create function share_holds(share_id uuid, item uuid) returns boolean language sql stable security definer
set search_path = ambrotype, pg_temp as $$
  select exists (select from shared_media(share_id) as m where m.id = item)
$$;

create function share_viewed(share_id uuid) returns void language sql volatile security definer
set search_path = ambrotype, pg_temp as $$ update share set views = views + 1 where id = share_id $$;

create function share_name(share_id uuid) returns text language sql stable security definer
set search_path = ambrotype, pg_temp as $$
  select coalesce(c.name, t.title, s.slot) from share s
  left join collection c on c.id = s.collection_id left join media_text t on t.media_id = s.media_id where s.id = share_id
$$;

revoke execute on all functions in schema ambrotype from public;
grant execute on function shared(bytea), shared_media(uuid), share_holds(uuid, uuid), share_viewed(uuid), share_name(uuid)
  to ambrotype_app, ambrotype_service;
