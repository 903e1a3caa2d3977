-- What is derived from originals. A row is a wish, a work in hand, a file or a reason why there is none; emptied at any
-- time, all of it is made again when it is asked for.

set local search_path = ambrotype, pg_temp;

-- How a kept file is coded: core/media.Facts.
alter table media_text add column facts jsonb;

create table rendition (
  media_id     uuid not null references media,
  owner_id     uuid not null references owner,     -- the item's, kept so by `follow_owner`
  name         text collate "C" not null,          -- thumb, 720p, w640-webp-q80: core/renditions.py
  state        text collate "C" not null default 'wanted' check (state in ('wanted', 'made', 'failed', 'dropped')),
  attempts     integer not null default 0,         -- of making it, ever: each writes under a path of its own
  tries        integer not null default 0,         -- since it was last made: those that ended badly
  until        timestamptz,                        -- wanted: who makes it has it until then, or nobody tries before
  bucket       text collate "C",
  path         text collate "C",
  size         bigint,
  sha256       bytea check (length(sha256) = 32),
  content_type text collate "C",
  code         text collate "C",                   -- failed: why
  detail       text,
  asked_at     timestamptz not null default now(),
  made_at      timestamptz,
  used_at      timestamptz not null default now(),
  primary key (media_id, name),
  check (state not in ('made', 'dropped') or (path is not null and bucket is not null and size is not null
         and sha256 is not null and content_type is not null and made_at is not null)),
  check ((state = 'failed') = (code is not null))
);
create index rendition_wanted on rendition (asked_at) where state = 'wanted';
create index rendition_used on rendition (used_at) where state in ('made', 'dropped', 'failed');
create index rendition_owner on rendition (owner_id, media_id) include (size) where state in ('made', 'dropped');

alter table rendition enable row level security;
create policy mine on rendition to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]));
create policy everything on rendition to ambrotype_service, ambrotype_worker using (true);
grant select on rendition to ambrotype_app, ambrotype_service;
grant select, insert, update, delete on rendition to ambrotype_worker;

create function follow_owner() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
begin
  update rendition set owner_id = new.owner_id where media_id = new.id;
  return null;
end $$;
create trigger follow_owner after update of owner_id on media for each row
  when (new.owner_id is distinct from old.owner_id) execute function follow_owner();

-- Whoever waits for it hears of it; of those with a name of their own, the owner's apps do too.
create function tell_rendition() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
begin
  if new.state <> 'dropped' then
    perform pg_notify('ambrotype_rendition', new.media_id::text || '/' || new.name);
  end if;
  if new.state in ('made', 'failed') and new.name in ('thumb', 'poster', 'preview', '480p', '720p', '1080p')
     and (tg_op = 'INSERT' or old.state <> 'dropped') then
    insert into event (app, owner_id, media_id, type, data)
    select m.app, m.owner_id, m.id, 'media.rendition',
           jsonb_strip_nulls(jsonb_build_object('name', new.name, 'state', new.state, 'code', new.code))
    from media m where m.id = new.media_id;
  end if;
  return null;
end $$;
create trigger tell after insert on rendition for each row execute function tell_rendition();
create trigger tell_change after update on rendition for each row
  when (new.state is distinct from old.state) execute function tell_rendition();

-- A file by its item and name, whoever asks: that they may see the item is known by then. Used = not the first to go.
create function rendition_of(item uuid, which text)
returns table (state text, bucket text, path text, size bigint, sha256 bytea, content_type text, code text, detail text,
               made_at timestamptz, idle boolean)
language sql stable security definer rows 1 set search_path = ambrotype, pg_temp as $$
  select r.state, r.bucket, r.path, r.size, r.sha256, r.content_type, r.code, r.detail, r.made_at,
         r.used_at < now() - interval '1 hour'
  from rendition r where r.media_id = item and r.name = which
$$;

-- What a share shows, as in migration 0009, with what tells whether smaller pictures can be made.
drop function shared_media(uuid, integer);
create function shared_media(share_id uuid, most integer)
returns table (id uuid, kind text, content_type text, visible boolean, width integer, height integer, title text, note text)
language sql stable security definer rows 50 set search_path = ambrotype, pg_temp as $$
  select m.id, m.kind, m.content_type, m.inspection = 'pending' or m.thumbhash is not null, m.width, m.height, t.title, i.note
  from share_names(share_id) as i
  join media m on m.id = i.media_id and m.status = 'kept' and m.deleted_at is null
  join media_text t on t.media_id = m.id
  order by i.place limit most
$$;

-- Usage, as in migration 0012, with what is stored of renditions.
drop function usage_by(text);
create function usage_by(dimension text)
returns table (key text, app text, items bigint, bytes bigint, rendition_bytes bigint, views bigint, egress bigint,
               recent bigint, costs jsonb)
language plpgsql stable security definer rows 100 set search_path = ambrotype, pg_temp set work_mem = '64MB' as $$
declare
  -- A linked guest's items have moved; what was delivered before stays written for the guest.
  ids uuid[] := case when current_setting('role', true) <> 'ambrotype_service' then former_owners() end;
  owns text := case
    when ids is null then 'true'
    when cardinality(ids) = 1 then format('x.owner_id = %L::uuid', ids[1])
    else format('x.owner_id = any (%L::uuid[])', ids)
  end;
  made text := case dimension
    when 'month' then 'date_trunc(''month'', x.created_at at time zone ''utc'')::date::text'
    when 'owner' then 'x.owner_id::text'
  end;
  gone text := case dimension when 'month' then 'date_trunc(''month'', x.day)::date::text' when 'owner' then 'x.owner_id::text' end;
begin
  if dimension in ('source', 'kind', 'provider', 'model', 'project') then
    made := format('x.%I', dimension);
    gone := made;
  elsif made is null then
    raise exception 'no such dimension: %', dimension using errcode = 'invalid_parameter_value';
  end if;
  return query execute format($q$
    with parts as (
      select %1$s as k, count(*) as items, sum(x.size) as bytes, 0::numeric as derived, 0::numeric as views,
             0::numeric as egress, 0::numeric as recent, null::text as currency, 0::numeric as cost
      from media x where %2$s and x.status = 'kept' and x.deleted_at is null group by 1  -- media_newest, the index alone
      union all
      select %1$s, count(*), sum(x.size), 0, 0, 0, 0, null, 0
      from media x where %2$s and x.status = 'kept' and x.deleted_at is not null group by 1
      union all
      select %1$s, 0, 0, sum(r.size), 0, 0, 0, null, 0
      from rendition r join media x on x.id = r.media_id and x.owner_id = r.owner_id
      where %2$s and x.status = 'kept' and r.state in ('made', 'dropped') group by 1
      union all
      select %3$s, 0, 0, 0, sum(x.views), sum(x.bytes),
             coalesce(sum(x.bytes) filter (where x.day > (now() at time zone 'utc')::date - 30), 0), null, 0
      from delivered x where %2$s group by 1
      union all
      select %1$s, 0, 0, 0, 0, 0, 0, t.cost_currency, sum(t.cost_amount)
      from media_text t join media x on x.id = t.media_id and x.owner_id = t.owner_id
      where %2$s and t.cost_amount is not null group by 1, 8
    ), named as (
      select case when %4$L then coalesce(o.merged_into, o.id)::text else p.k end as k,
             p.items, p.bytes, p.derived, p.views, p.egress, p.recent, p.currency, p.cost
      from parts p left join owner o on %4$L and o.id::text = p.k
    ), summed as (
      select n.k, sum(n.items)::bigint as items, sum(n.bytes)::bigint as bytes, sum(n.derived)::bigint as derived,
             sum(n.views)::bigint as views, sum(n.egress)::bigint as egress, sum(n.recent)::bigint as recent
      from named n group by 1
    ), paid as (
      select c.k, jsonb_object_agg(c.currency, c.cost) as costs from (
        select n.k, n.currency, sum(n.cost) as cost from named n where n.currency is not null group by 1, 2
      ) as c group by 1
    )
    select case when not %4$L then s.k when o.kind = 'service' then 'service' else o.kind || ':' || o.subject end, o.app,
           s.items, s.bytes, s.derived, s.views, s.egress, s.recent, coalesce(p.costs, '{}')
    from summed s left join paid p on p.k is not distinct from s.k left join owner o on %4$L and o.id::text = s.k
  $q$, made, owns, gone, dimension = 'owner');
end $$;

revoke execute on all functions in schema ambrotype from public;
grant execute on function usage_by(text) to ambrotype_app, ambrotype_service;
grant execute on function shared_media(uuid, integer) to ambrotype_app, ambrotype_service;
grant execute on function rendition_of(uuid, text) to ambrotype_app, ambrotype_service, ambrotype_worker;
