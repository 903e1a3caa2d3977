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

-- What a share shows lives and dies with its row; its token is found by its hash only. `edition` stands in every URL and
-- cookie that is given out for it: a new password, or downloads that are no longer allowed, end those given out before.
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
  edition        integer not null default 1,
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
grant update (expires_at, allow_download, password_hash, edition, revoked_at) on share to ambrotype_app, ambrotype_service;
grant select on collection, collection_item, share to ambrotype_worker;

-- A share by its token's hash, whoever asks: nothing of its owner but what it shows.
create function shared(digest bytea)
returns table (id uuid, edition integer, password_hash text, expires_at timestamptz, allow_download boolean, name text)
language sql stable security definer rows 1 set search_path = ambrotype, pg_temp as $$
  select s.id, s.edition, s.password_hash, s.expires_at, s.allow_download, coalesce(c.name, t.title, s.slot)
  from share s
  left join collection c on c.id = s.collection_id
  left join media_text t on t.media_id = s.media_id
  where s.token_hash = digest and s.revoked_at is null and (s.expires_at is null or s.expires_at > now())
$$;

-- The items that a share names.
create function share_names(share_id uuid) returns table (media_id uuid, place numeric, note text)
language sql stable security definer rows 50 set search_path = ambrotype, pg_temp as $$
  select s.media_id, 0::numeric, null::text from share s where s.id = share_id and s.media_id is not null
  union all
  select i.media_id, i.position, i.note from share s join collection_item i on i.collection_id = s.collection_id
  where s.id = share_id
  union all
  select sl.current_id, 0, null from share s
  join slot sl on sl.owner_id = s.owner_id and sl.project = s.project and sl.name = s.slot and sl.current_id is not null
  where s.id = share_id
$$;

-- What a share shows: kept items outside the trash, in order.
create function shared_media(share_id uuid, most integer)
returns table (id uuid, kind text, width integer, height integer, title text, note text)
language sql stable security definer rows 50 set search_path = ambrotype, pg_temp as $$
  select m.id, m.kind, m.width, m.height, t.title, i.note
  from share_names(share_id) as i
  join media m on m.id = i.media_id and m.status = 'kept' and m.deleted_at is null
  join media_text t on t.media_id = m.id
  order by i.place limit most
$$;

-- Whether a URL that was given out for an edition of a share still opens this item.
create function share_holds(share_id uuid, given integer, item uuid) returns boolean language sql stable security definer
set search_path = ambrotype, pg_temp as $$
  select exists (
    select from share s
    where s.id = share_id and s.edition = given and s.revoked_at is null and (s.expires_at is null or s.expires_at > now())
      and case
        when s.media_id is not null then s.media_id = item
        when s.collection_id is not null then exists (
          select from collection_item i where i.collection_id = s.collection_id and i.media_id = item)
        else exists (select from share_names(share_id) as n where n.media_id = item)
      end)
$$;

create function share_viewed(share_id uuid) returns void language sql volatile security definer
set search_path = ambrotype, pg_temp as $$ update share set views = views + 1 where id = share_id $$;

revoke execute on all functions in schema ambrotype from public;
grant execute on function shared(bytea), shared_media(uuid, integer), share_holds(uuid, integer, uuid), share_viewed(uuid)
  to ambrotype_app, ambrotype_service;
