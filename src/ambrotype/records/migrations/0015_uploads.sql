-- Uploads that take more than one request: resumable ones, and those that go straight into the store.

set local search_path = ambrotype, pg_temp;

-- `received` bytes are durable, and are all that was ever acknowledged; `mark` is what the store needs to go on behind
-- them. A request that writes holds the lease; who has lost it can't say any more how far it came. When the item is kept
-- its id stays here until `expires_at`, for a client that missed the answer.
create table upload (
  id          uuid primary key,
  owner_id    uuid not null references owner,
  way         text collate "C" not null check (way in ('resumable', 'direct')),
  size        bigint not null check (size >= 0),
  received    bigint not null default 0 check (received between 0 and size),
  mark        jsonb not null default '{}',
  staging     jsonb not null,
  fields      jsonb not null,
  filename    text,
  trusted     boolean not null,                -- told by a key
  told        text,                            -- the client's own metadata, given back as it came
  media_id    uuid references media,
  lease       uuid,
  lease_until timestamptz,
  expires_at  timestamptz not null,
  created_at  timestamptz not null default now(),
  check ((lease is null) = (lease_until is null))
);
create index upload_owner on upload (owner_id) where media_id is null;
create index upload_media on upload (media_id) where media_id is not null;
create index upload_due on upload (expires_at);
create index upload_whole on upload (id) where media_id is null and way = 'resumable' and received = size;

alter table upload enable row level security;
create policy mine on upload to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]))
  with check (owner_id = any ((select current_owners())::uuid[])
              and (media_id is null or exists (select from media m where m.id = media_id)));
create policy everything on upload to ambrotype_service, ambrotype_worker using (true);
grant select, insert, delete on upload to ambrotype_app, ambrotype_service;
grant select, delete on upload to ambrotype_worker;
grant update (received, mark, media_id, lease, lease_until, expires_at) on upload
  to ambrotype_app, ambrotype_service, ambrotype_worker;

-- A linked guest's uploads become the user's in the moment in which the last of its rows has moved over (migration 0003).
create function move_uploads() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
begin
  update upload set owner_id = new.merged_into where owner_id = new.id;
  return null;
end $$;
create trigger move_uploads after update of moved_at on owner for each row
  when (old.moved_at is null and new.moved_at is not null) execute function move_uploads();

-- Why there is no room for one more upload of `incoming` bytes, with all that are under way; null where there is.
create function room_for(incoming bigint, most_items bigint, most_bytes bigint) returns text language plpgsql stable
security definer set search_path = ambrotype, pg_temp as $$
declare
  mine uuid[] := current_owners();
  now_items bigint;
  now_bytes bigint;
  coming_items bigint;
  coming_bytes bigint;
begin
  select u.items, u.bytes into now_items, now_bytes from used(mine) as u;
  select count(*), coalesce(sum(u.size), 0) into coming_items, coming_bytes from upload u
  where u.owner_id = any (mine) and u.media_id is null and u.expires_at > now();
  if now_items + coming_items >= most_items then
    return format('There is room for %s items, and %s are kept and %s on their way; delete and purge some.',
                  most_items, now_items, coming_items);
  end if;
  if now_bytes + coming_bytes + incoming > most_bytes then
    return format('There is room for %s bytes, and %s are kept and %s on their way; delete and purge some.',
                  most_bytes, now_bytes, coming_bytes);
  end if;
  return null;
end $$;

revoke execute on all functions in schema ambrotype from public;
grant execute on function room_for(bigint, bigint, bigint) to ambrotype_app, ambrotype_service;
