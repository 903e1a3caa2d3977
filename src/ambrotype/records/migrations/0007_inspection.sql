-- What a kept file says of its making and looks like. The item's row is the promise (`inspection = 'pending'`); `inspecting`
-- only says who is at it and when it may be tried again, and may be emptied at any time.

set local search_path = ambrotype, pg_temp;

alter table media add column phash bigint;       -- 64 bits, decoding/inspection/likeness.py
alter table media_text
  add column recipe         jsonb,               -- core/recipes, as the file has it
  add column raw_text       text,                -- all embedded text, for search and for whoever knows better
  add column raw_text_cut   boolean not null default false,
  add column ingredients    jsonb not null default '[]',
  add column suggested_tags text[] not null default '{}',
  add column refused_tags   text[] not null default '{}';

create index media_uninspected on media (kept_at, id) where status = 'kept' and inspection = 'pending';

-- Near-duplicates: two hashes that differ in at most seven bits differ in at most one bit of one of their four bands. So an
-- item is found by its bands, and the caller's bands are looked up with each of their bits turned (near_duplicates).
create function likeness_keys(owner uuid, phash bigint) returns bigint[] language sql immutable parallel safe
return array[
  uuid_hash_extended(owner, (phash >> 48) & 65535), uuid_hash_extended(owner, ((phash >> 32) & 65535) | 65536),
  uuid_hash_extended(owner, ((phash >> 16) & 65535) | 131072), uuid_hash_extended(owner, (phash & 65535) | 196608)
];
-- Whoever writes a row makes its index entries.
grant execute on function likeness_keys(uuid, bigint) to ambrotype_app, ambrotype_service, ambrotype_worker;
create index media_likeness on media using gin (likeness_keys(owner_id, phash)) where phash is not null;

create table inspecting (
  media_id uuid primary key references media,
  until    timestamptz not null,
  attempts integer not null default 1
);
alter table inspecting enable row level security;
create policy everything on inspecting to ambrotype_worker using (true);
grant select, insert, update, delete on inspecting to ambrotype_worker;

grant update (phash, model) on media to ambrotype_worker;
grant update (suggested_tags, refused_tags) on media_text to ambrotype_app, ambrotype_service;
