-- Generations: a provider's jobs, followed to the end. `generation` is the record and the promise; `following` is its
-- timetable and is gone when the job has ended. If rows of the timetable vanish, they are made again from `generation`.

set local search_path = ambrotype, pg_temp;

create table generation (
  id              uuid primary key,
  app             text collate "C" not null,
  owner_id        uuid not null,                    -- for ever: of a linked guest it is read by former_owners()
  provider        text collate "C" not null check (length(provider) between 1 and 255),
  model           text not null,
  kind            text collate "C" check (kind in ('image', 'video', 'audio')),
  prompt          text,
  settings        jsonb not null default '{}',
  keep            text collate "C" not null check (keep in ('auto', 'manual')),
  project         text collate "C",
  slot            text collate "C",
  wanted          jsonb not null default '{}',      -- what its outputs are to be: visibility, tags, title, …
  status          text collate "C" not null default 'queued'
                  check (status in ('queued', 'processing', 'completed', 'failed', 'cancelled')),
  progress        double precision check (progress between 0 and 1),
  begun_at        timestamptz,                      -- the request that starts the job may have gone out: never twice
  token_hash      bytea unique,                     -- of the token in the URL that the provider reports to
  provider_job_id text collate "C",
  handle          jsonb not null default '{}',      -- what the adapter wants back
  error_code      text,
  error_detail    text,
  error_retryable boolean,
  cost            jsonb,
  metadata        jsonb not null default '{}',
  created_at      timestamptz not null default now(),
  started_at      timestamptz,
  finished_at     timestamptz,
  updated_at      timestamptz not null default clock_timestamp(),
  foreign key (owner_id, app) references owner (id, app),
  check (status <> 'failed' or error_code is not null),
  check ((error_code is null) = (error_detail is null) and (error_code is null) = (error_retryable is null)),
  check (slot is null or project is not null)
);
create index generation_newest on generation (owner_id, created_at, id);
create index generation_everybody on generation (created_at, id);
create index generation_job on generation (provider, provider_job_id) where provider_job_id is not null;
create index generation_open on generation (id) where status in ('queued', 'processing');

create table generation_input (
  generation_id uuid not null references generation,
  position      integer not null,
  media_id      uuid not null references media,
  role          text not null check (length(role) between 1 and 64),
  url           text,                               -- as the caller gave it
  primary key (generation_id, position)
);
create index generation_input_media on generation_input (media_id);

-- `key` names an output among those of its job, the same each time the provider is asked: no output becomes two items.
create table generation_output (
  generation_id uuid not null references generation,
  key           text collate "C" not null,
  position      integer not null,
  media_id      uuid not null references media,
  role          text collate "C" not null,
  url           text,
  authenticated boolean not null default false,     -- this very URL is fetched with the provider's credentials
  renewals      integer not null default 0,         -- how often the provider was asked for a fresh URL
  primary key (generation_id, key)
);
create index generation_output_media on generation_output (media_id);

create table following (
  generation_id uuid primary key references generation,
  owner_id      uuid not null references owner,
  provider      text collate "C" not null,
  phase         text collate "C" not null check (phase in ('submit', 'poll')),
  next_at       timestamptz not null default now(), -- not before
  turn_at       timestamptz not null default now(), -- the order: who has much waiting stands behind who has little
  pace          double precision not null default 5,
  lease         uuid,
  lease_until   timestamptz,
  polled_at     timestamptz,
  heard_at      timestamptz not null default now(), -- the provider's last good answer
  hooked_at     timestamptz,                        -- a webhook came
  cancel_at     timestamptz,                        -- a person asked to stop it
  attempts      integer not null default 0          -- failures in a row
);
create index following_due on following (phase, provider, turn_at) where lease is null;
create index following_leased on following (lease_until) where lease is not null;
create index following_owner on following (owner_id) where phase = 'submit';

-- Webhooks heard. Each counts once; one that names a job not known yet is remembered for a while.
create table hook (
  provider    text collate "C" not null,
  delivery    text collate "C" not null,
  job_id      text collate "C" not null,
  token_hash  bytea,
  received_at timestamptz not null default now(),
  primary key (provider, delivery)
);
create index hook_job on hook (provider, job_id);
create index hook_token on hook (token_hash) where token_hash is not null;
create index hook_age on hook (received_at);

-- How far a person was warned of an item's end: at 50 and at 80 % of the life that its source had.
create table at_risk (
  media_id   uuid primary key references media,
  expires_at timestamptz not null,
  began_at   timestamptz not null,
  stage      integer not null
);

-- Guards ------------------------------------------------------------------------------------------------------

create function guard_generation() returns trigger language plpgsql
set search_path = ambrotype, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'a generation is never deleted' using errcode = 'restrict_violation';
  end if;
  if (new.id, new.app, new.owner_id, new.provider, new.created_at)
     is distinct from (old.id, old.app, old.owner_id, old.provider, old.created_at) then
    raise exception 'id, owner, provider and time of a generation never change' using errcode = 'restrict_violation';
  end if;
  if new.status <> old.status and (old.status, new.status) not in (
    ('queued', 'processing'), ('queued', 'completed'), ('queued', 'failed'), ('queued', 'cancelled'),
    ('processing', 'completed'), ('processing', 'failed'), ('processing', 'cancelled')
  ) and not (old.status = 'failed' and old.error_code in ('submission_unknown', 'provider_gone')
             and new.status in ('processing', 'completed', 'cancelled')) then
    raise exception 'a generation cannot go from % to %', old.status, new.status using errcode = 'restrict_violation';
  end if;
  if old.begun_at is not null and new.begun_at is null and new.provider_job_id is not null then
    raise exception 'a submission that was answered stays begun' using errcode = 'restrict_violation';
  end if;
  if old.provider_job_id is not null and new.provider_job_id is distinct from old.provider_job_id then
    raise exception 'the job of a generation never changes' using errcode = 'restrict_violation';
  end if;
  new.updated_at := clock_timestamp();
  return new;
end $$;
create trigger guard before update or delete on generation for each row execute function guard_generation();
create trigger no_truncate before truncate on generation execute function refuse();

create function tell_generation() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
declare
  data jsonb := jsonb_build_object('provider', new.provider, 'model', new.model);
begin
  if tg_op = 'UPDATE' and new.status = old.status then return null; end if;
  if new.error_code is not null then
    data := data || jsonb_build_object('code', new.error_code, 'detail', new.error_detail);
  end if;
  insert into event (app, owner_id, generation_id, type, data)
  values (new.app, new.owner_id, new.id, 'generation.' || new.status, data);
  perform pg_notify('ambrotype_media', new.id::text);
  return null;
end $$;
create trigger tell after insert or update on generation for each row execute function tell_generation();

-- Rows --------------------------------------------------------------------------------------------------------

alter table generation enable row level security;
alter table generation_input enable row level security;
alter table generation_output enable row level security;
alter table following enable row level security;
alter table hook enable row level security;
alter table at_risk enable row level security;

create policy mine on generation to ambrotype_app using (owner_id = any ((select former_owners())::uuid[]))
  with check (owner_id = any ((select current_owners())::uuid[]));
create policy mine on generation_input to ambrotype_app
  using (exists (select from generation g where g.id = generation_id))
  with check (exists (select from generation g where g.id = generation_id)
              and exists (select from media m where m.id = media_id));
create policy mine on generation_output to ambrotype_app using (exists (select from generation g where g.id = generation_id));
create policy mine on following to ambrotype_app using (owner_id = any ((select former_owners())::uuid[]))
  with check (owner_id = any ((select current_owners())::uuid[]) and exists (select from generation g where g.id = generation_id));
create policy everything on generation to ambrotype_service, ambrotype_worker using (true);
create policy everything on generation_input to ambrotype_service, ambrotype_worker using (true);
create policy everything on generation_output to ambrotype_service, ambrotype_worker using (true);
create policy everything on following to ambrotype_service, ambrotype_worker using (true);
create policy everything on hook to ambrotype_worker using (true);
create policy everything on at_risk to ambrotype_worker using (true);

-- The handle may name what only the worker is to ask, and the token's hash is nobody's business.
grant select (id, app, owner_id, provider, model, kind, prompt, settings, keep, project, slot, wanted, status, progress,
              begun_at, provider_job_id, error_code, error_detail, error_retryable, cost, metadata, created_at, started_at,
              finished_at, updated_at)
  on generation to ambrotype_app, ambrotype_service;
grant insert (id, app, owner_id, provider, model, kind, prompt, settings, keep, project, slot, wanted, created_at)
  on generation to ambrotype_app, ambrotype_service;
grant update (keep) on generation to ambrotype_app, ambrotype_service;
grant select, insert on generation_input to ambrotype_app, ambrotype_service;
grant select on generation_output to ambrotype_app, ambrotype_service;
grant select, insert on following to ambrotype_app, ambrotype_service;
grant select, update on generation to ambrotype_worker;
grant select on generation_input to ambrotype_worker;
grant select, insert, update on generation_output to ambrotype_worker;
grant select, insert, update, delete on following to ambrotype_worker;
grant select, delete on hook to ambrotype_worker;
grant select, delete on at_risk to ambrotype_worker;
grant update (generation_id, source_hash) on media to ambrotype_worker;

-- A person's wish to stop a job. Where nothing has gone out yet it ends here; else the worker asks the provider.
create function cancel_generation(wanted_id uuid) returns text language plpgsql volatile security definer
set search_path = ambrotype, pg_temp as $$
declare
  g generation;
begin
  select * into g from generation where id = wanted_id
    and (owner_id = any (former_owners()) or current_setting('role', true) = 'ambrotype_service') for update;
  if not found then return 'missing'; end if;
  if g.status not in ('queued', 'processing') then return g.status; end if;
  if g.begun_at is null then
    update generation set status = 'cancelled', finished_at = now() where id = g.id;
    delete from following where generation_id = g.id;
    return 'cancelled';
  end if;
  -- A lease is left alone: whoever holds the job sees the wish when it is done.
  update following set cancel_at = now(), next_at = now(), turn_at = now() where generation_id = g.id;
  perform pg_notify('ambrotype_generation', '');
  return 'asked';
end $$;

-- A genuine webhook: what it names is asked for as soon as its pace allows. `token` is the hash of the token in the path,
-- null where there was none; a job that it names and that nobody knows was submitted all the same, so it is followed again.
create function hear_hook(from_provider text, token bytea, job text, message text) returns text language plpgsql volatile
security definer set search_path = ambrotype, pg_temp as $$
declare
  g generation;
begin
  insert into hook (provider, delivery, job_id, token_hash) values (from_provider, message, job, token)
  on conflict (provider, delivery) do nothing;
  if not found then return 'again'; end if;
  for g in
    select * from generation x where x.provider = from_provider
      and (x.provider_job_id = job or (token is not null and x.token_hash = token and x.provider_job_id is null))
    for no key update
  loop
    if g.provider_job_id is null and g.status = 'failed' and g.error_code = 'submission_unknown' then
      update generation set status = 'processing', provider_job_id = job, error_code = null, error_detail = null,
        error_retryable = null, finished_at = null, started_at = coalesce(started_at, now())
      where id = g.id;
      insert into following (generation_id, owner_id, provider, phase) values (g.id, g.owner_id, g.provider, 'poll')
      on conflict do nothing;
    elsif g.provider_job_id is not null and g.status in ('queued', 'processing') then
      update following f set hooked_at = now(),
        next_at = least(f.next_at, greatest(now(), f.polled_at + make_interval(secs => f.pace))),
        turn_at = least(f.turn_at, greatest(now(), f.polled_at + make_interval(secs => f.pace)))
      where f.generation_id = g.id;
    end if;
  end loop;
  perform pg_notify('ambrotype_generation', '');
  return 'heard';
end $$;

create function known_token(from_provider text, token bytea) returns boolean language sql stable security definer
set search_path = ambrotype, pg_temp as $$
  select exists (select from generation g where g.provider = from_provider and g.token_hash = token)
$$;

-- Warns of items that live at their provider only, each time once: at 50 and 80 % of the life that their source had when
-- it became known (or was renewed). One at a time.
create function warn_at_risk(most integer) returns bigint language plpgsql volatile security definer
set search_path = ambrotype, pg_temp as $$
declare
  n bigint;
begin
  if not pg_try_advisory_xact_lock(1634558578) then return 0; end if;  -- "ambr"
  with items as (
    select m.id, m.app, m.owner_id, m.source_expires_at as ends,
           case when r.media_id is null then m.created_at when r.expires_at = m.source_expires_at then r.began_at else now() end
             as began,
           case when r.expires_at = m.source_expires_at then r.stage else 0 end as told
    from media m left join at_risk r on r.media_id = m.id
    where m.status in ('temporary', 'keeping') and m.deleted_at is null and m.source_expires_at > now()
  ), staged as (
    select i.*, case when now() >= i.began + (i.ends - i.began) * 0.8 then 80
                     when now() >= i.began + (i.ends - i.began) * 0.5 then 50 else 0 end as stage
    from items i
  ), due as materialized (
    select * from staged s where s.stage > s.told order by s.ends limit most
  ), noted as (
    insert into at_risk as r (media_id, expires_at, began_at, stage) select id, ends, began, stage from due
    on conflict (media_id) do update
    set expires_at = excluded.expires_at, began_at = excluded.began_at, stage = excluded.stage
  ), renewed as (
    -- A later end begins a new life, which has to be remembered before it is half over.
    update at_risk r set expires_at = m.source_expires_at, began_at = now(), stage = 0
    from media m where m.id = r.media_id and m.status in ('temporary', 'keeping') and m.source_expires_at > r.expires_at
      and not exists (select from due d where d.id = r.media_id)
  ), told as (
    insert into event (app, owner_id, media_id, type, data)
    select app, owner_id, id, 'media.at_risk',
           jsonb_build_object('stage', stage, 'expires_at', ends, 'seconds_left', extract(epoch from ends - now()))
    from due
  )
  select count(*) into n from due;
  if n > 0 then perform pg_notify('ambrotype_media', ''); end if;
  return n;
end $$;

revoke execute on all functions in schema ambrotype from public;
grant execute on function cancel_generation(uuid) to ambrotype_app, ambrotype_service;
grant execute on function hear_hook(text, bytea, text, text), known_token(text, bytea) to ambrotype_app;
grant execute on function warn_at_risk(integer) to ambrotype_worker;
