-- What is delivered, what all of it costs, and how the whole is doing.

set local search_path = ambrotype, pg_temp;

-- All states are counted at once, in a small index.
create index media_state on media (status, lost_code);

-- Costs, where there are some: told as {"amount", "currency", …}.
alter table media_text
  add column cost_amount numeric generated always as
    (case when jsonb_typeof(cost -> 'amount') = 'number' then (cost -> 'amount')::numeric end) stored,
  add column cost_currency text collate "C" generated always as (upper(coalesce(cost ->> 'currency', 'USD'))) stored;
create index media_text_cost on media_text (owner_id, media_id) include (cost_amount, cost_currency)
  where cost_amount is not null;

-- What left the house, a row a day for each mix of what the items are: API processes count in memory and add here every
-- few seconds, so that no request writes. `mix` stands for the columns that may be long or missing.
create table delivered (
  owner_id  uuid not null references owner,
  day       date not null,
  mix       uuid not null,
  kind      text collate "C" not null,
  source    text collate "C" not null,
  provider  text collate "C",
  model     text collate "C",
  project   text collate "C",
  views     bigint not null,
  bytes     bigint not null,
  estimated bigint not null,                         -- of the bytes, those that the store sends by itself
  primary key (owner_id, day, mix)
);
alter table delivered enable row level security;
create policy everything on delivered to ambrotype_service using (true);
grant select on delivered to ambrotype_service;

-- Takes a JSON array of {"id", "views", "bytes", "estimated"}. In the order of the key: two processes never wait for
-- each other in a ring.
create function add_delivered(counts jsonb) returns void language sql volatile security definer
set search_path = ambrotype, pg_temp as $$
  insert into delivered as d (owner_id, day, mix, kind, source, provider, model, project, views, bytes, estimated)
  select m.owner_id, (now() at time zone 'utc')::date,
         md5(jsonb_build_array(m.kind, m.source, m.provider, m.model, m.project)::text)::uuid as mix,
         m.kind, m.source, m.provider, m.model, m.project, sum(c.views), sum(c.bytes), sum(c.estimated)
  from jsonb_to_recordset(counts) as c (id uuid, views bigint, bytes bigint, estimated bigint)
  join media m on m.id = c.id
  group by 1, 2, 3, 4, 5, 6, 7, 8
  order by 1, 2, 3
  on conflict (owner_id, day, mix) do update set
    views = d.views + excluded.views, bytes = d.bytes + excluded.bytes, estimated = d.estimated + excluded.estimated
$$;

-- What the caller uses, by one dimension: bytes of kept items (the trash's are stored too), what was delivered, and costs
-- by currency of whatever was paid for, kept or not. The dimension is checked, and each statement written here.
create function usage_by(dimension text)
returns table (key text, app text, items bigint, bytes bigint, views bigint, egress bigint, recent bigint, costs jsonb)
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
      select %1$s as k, count(*) as items, sum(x.size) as bytes, 0::numeric as views, 0::numeric as egress,
             0::numeric as recent, null::text as currency, 0::numeric as cost
      from media x where %2$s and x.status = 'kept' and x.deleted_at is null group by 1  -- media_newest, the index alone
      union all
      select %1$s, count(*), sum(x.size), 0, 0, 0, null, 0
      from media x where %2$s and x.status = 'kept' and x.deleted_at is not null group by 1
      union all
      select %3$s, 0, 0, sum(x.views), sum(x.bytes),
             coalesce(sum(x.bytes) filter (where x.day > (now() at time zone 'utc')::date - 30), 0), null, 0
      from delivered x where %2$s group by 1
      union all
      select %1$s, 0, 0, 0, 0, 0, t.cost_currency, sum(t.cost_amount)
      from media_text t join media x on x.id = t.media_id and x.owner_id = t.owner_id
      where %2$s and t.cost_amount is not null group by 1, 7
    ), named as (
      select case when %4$L then coalesce(o.merged_into, o.id)::text else p.k end as k,
             p.items, p.bytes, p.views, p.egress, p.recent, p.currency, p.cost
      from parts p left join owner o on %4$L and o.id::text = p.k
    ), summed as (
      select n.k, sum(n.items)::bigint as items, sum(n.bytes)::bigint as bytes, sum(n.views)::bigint as views,
             sum(n.egress)::bigint as egress, sum(n.recent)::bigint as recent
      from named n group by 1
    ), paid as (
      select c.k, jsonb_object_agg(c.currency, c.cost) as costs from (
        select n.k, n.currency, sum(n.cost) as cost from named n where n.currency is not null group by 1, 2
      ) as c group by 1
    )
    select case when not %4$L then s.k when o.kind = 'service' then 'service' else o.kind || ':' || o.subject end, o.app,
           s.items, s.bytes, s.views, s.egress, s.recent, coalesce(p.costs, '{}')
    from summed s left join paid p on p.k is not distinct from s.k left join owner o on %4$L and o.id::text = s.k
  $q$, made, owns, gone, dimension = 'owner');
end $$;

revoke execute on all functions in schema ambrotype from public;
grant execute on function usage_by(text) to ambrotype_app, ambrotype_service;
grant execute on function add_delivered(jsonb) to ambrotype_service;
