-- Reading events, and telling them to others.

set local search_path = ambrotype, pg_temp;

create index event_owner on event (owner_id, xid, id);

-- Where to send events. The secret lies encrypted by the application; `read_xid`, `read_id` say how far it has been read.
create table webhook (
  id         uuid primary key,
  owner_id   uuid not null references owner,
  app        text collate "C" not null,
  everything boolean not null default false,       -- an administrator's: events of all owners
  trusted    boolean not null default false,       -- a key's: AMBROTYPE_FETCH_ALLOW holds
  url        text not null,
  events     text[] not null default '{}',         -- empty: all types
  secret     bytea not null,
  active     boolean not null default true,
  read_xid   xid8 not null default pg_snapshot_xmin(pg_current_snapshot()),
  read_id    bigint not null default 0,
  created_at timestamptz not null default now()
);
create index webhook_owner on webhook (owner_id, created_at, id);

create table webhook_delivery (
  id           uuid primary key,
  webhook_id   uuid not null references webhook on delete cascade,
  owner_id     uuid not null references owner,
  event_id     bigint,
  type         text collate "C" not null,
  payload      text not null,
  state        text collate "C" not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts     integer not null default 0,
  next_at      timestamptz not null default now(),
  status       integer,
  detail       text,
  created_at   timestamptz not null default now(),
  delivered_at timestamptz,
  unique (webhook_id, event_id)
);
create index webhook_delivery_due on webhook_delivery (next_at) where state = 'pending';
create index webhook_delivery_log on webhook_delivery (webhook_id, created_at, id);

alter table webhook enable row level security;
alter table webhook_delivery enable row level security;
create policy mine on webhook to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]))
  with check (owner_id = any ((select current_owners())::uuid[]) and not everything);
create policy mine on webhook_delivery to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]))
  with check (owner_id = any ((select current_owners())::uuid[]) and exists (select from webhook w where w.id = webhook_id));
create policy everything on webhook to ambrotype_service, ambrotype_worker using (true);
create policy everything on webhook_delivery to ambrotype_service, ambrotype_worker using (true);
grant select, insert, delete on webhook to ambrotype_app, ambrotype_service;
grant update (url, events, active) on webhook to ambrotype_app, ambrotype_service;
grant select, insert on webhook_delivery to ambrotype_app, ambrotype_service;
grant update (state, next_at, attempts) on webhook_delivery to ambrotype_app, ambrotype_service;
grant select on webhook to ambrotype_worker;
grant update (read_xid, read_id) on webhook to ambrotype_worker;
grant select, insert, update, delete on webhook_delivery to ambrotype_worker;
