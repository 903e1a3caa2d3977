-- Pictures that a vision model is still to be asked about: small, made when the file was looked into, gone when it has answered
-- or was asked often enough. May be emptied at any time: tags are suggestions.

set local search_path = ambrotype, pg_temp;

create table tagging (
  media_id   uuid primary key references media,
  picture    bytea not null check (length(picture) <= 1048576),
  attempts   integer not null default 0,
  not_before timestamptz not null default now()
);
create index tagging_due on tagging (not_before);
alter table tagging enable row level security;
create policy everything on tagging to ambrotype_worker using (true);
grant select, insert, update, delete on tagging to ambrotype_worker;
