-- Listing, search and facets. One audited function answers each; it binds the caller's owners itself, because under a
-- row policy full-text, array and jsonb operators may not use their indexes (they are not leakproof).

set local search_path = ambrotype, pg_temp;

-- Words ---------------------------------------------------------------------------------------------------------
-- The vector is made by the application (core/words.py): normalised words with positions and weights. Its owner is one
-- more lexeme of it, so that a word is looked up among the owner's items and not among everybody's.

create index media_text_search on media_text using gin (search);
create index media_text_title on media_text (owner_id, (lower(title)) collate "C", media_id) where title is not null;

create function owner_lexeme(owner uuid) returns text immutable parallel safe return 'owner/' || owner;

create function own_words() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
begin
  if tg_op = 'UPDATE' and new.owner_id <> old.owner_id then
    new.search := ts_delete(new.search, owner_lexeme(old.owner_id));
  end if;
  new.search := new.search || array_to_tsvector(array[owner_lexeme(new.owner_id)]);
  return new;
end $$;
create trigger own_words before insert or update of search, owner_id on media_text
  for each row execute function own_words();

-- Tags, each where its owner's newest come first.
create table media_tag (
  owner_id   uuid not null references owner,
  tag        text collate "C" not null,
  created_at timestamptz not null,
  media_id   uuid not null references media,
  live       boolean not null default true,        -- in lists unless asked otherwise: kept or keeping, not in the trash
  primary key (owner_id, tag, created_at, media_id)
);
create index media_tag_media on media_tag (media_id);
create index media_tag_live on media_tag (owner_id, tag) where live;
alter table media_tag enable row level security;
create policy mine on media_tag to ambrotype_app using (owner_id = any ((select current_owners())::uuid[]));
create policy everything on media_tag to ambrotype_service, ambrotype_worker using (true);
grant select on media_tag to ambrotype_app, ambrotype_service, ambrotype_worker;

create function follow_tags() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
begin
  if tg_op = 'UPDATE' then
    if new.tags = old.tags and new.owner_id = old.owner_id then return null; end if;
    delete from media_tag where media_id = new.media_id;
  end if;
  insert into media_tag (owner_id, tag, created_at, media_id, live)
  select distinct new.owner_id, t.tag, m.created_at, new.media_id, m.status in ('kept', 'keeping') and m.deleted_at is null
  from unnest(new.tags) as t (tag), media m where m.id = new.media_id;
  return null;
end $$;
create trigger follow_tags after insert or update of tags, owner_id on media_text
  for each row execute function follow_tags();

create function tags_live() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
begin
  update media_tag set live = new.status in ('kept', 'keeping') and new.deleted_at is null where media_id = new.id;
  return null;
end $$;
create trigger tags_live after update on media for each row
  when ((new.status in ('kept', 'keeping') and new.deleted_at is null)
        is distinct from (old.status in ('kept', 'keeping') and old.deleted_at is null))
  execute function tags_live();

-- Orders and filters --------------------------------------------------------------------------------------------
-- `live` is what lists show unless asked otherwise. Each order of a list, and each filter with few rows behind it, has
-- an index that begins with the owner.

drop index media_newest;
drop index media_newest_all;
-- With the columns that facets count, so that they are counted in the index alone.
create index media_newest on media (owner_id, created_at, id) include (kind, source, provider, model, project)
  where deleted_at is null and status in ('kept', 'keeping');
create index media_everybody on media (created_at, id) where deleted_at is null and status in ('kept', 'keeping');
create index media_size on media (owner_id, size, id) where deleted_at is null and status in ('kept', 'keeping');
create index media_dying on media (owner_id, source_expires_at, id) where deleted_at is null and status in ('kept', 'keeping');
create index media_status on media (owner_id, status, created_at, id) where deleted_at is null;
create index media_trash on media (owner_id, created_at, id) where deleted_at is not null;
create index media_kind on media (owner_id, kind, created_at, id) where deleted_at is null and status in ('kept', 'keeping');
create index media_made_by on media (owner_id, provider, model, created_at, id)
  where deleted_at is null and status in ('kept', 'keeping') and provider is not null;
create index media_model on media (owner_id, model, created_at, id)
  where deleted_at is null and status in ('kept', 'keeping') and model is not null;
create index media_project on media (owner_id, project, slot, created_at, id)
  where deleted_at is null and status in ('kept', 'keeping') and project is not null;
create index media_source_kind on media (owner_id, source, created_at, id)
  where deleted_at is null and status in ('kept', 'keeping') and source <> 'generation';
create index media_enhancement on media (owner_id, enhancement, created_at, id)
  where deleted_at is null and status in ('kept', 'keeping') and enhancement is not null;
create index media_favorite on media (owner_id, created_at, id)
  where deleted_at is null and status in ('kept', 'keeping') and favorite;
create index media_shown on media (owner_id, visibility, created_at, id)
  where deleted_at is null and status in ('kept', 'keeping') and visibility <> 'private';
create index media_type on media (owner_id, content_type, created_at, id)
  where deleted_at is null and status in ('kept', 'keeping');
create index media_width on media (owner_id, width, id) where deleted_at is null and status in ('kept', 'keeping');
create index media_duration on media (owner_id, duration, id)
  where deleted_at is null and status in ('kept', 'keeping') and duration is not null;
create index media_sha256 on media (sha256) where sha256 is not null;
create index media_request on media (request_id) where request_id is not null;
create index media_generation on media (generation_id) where generation_id is not null;

-- The owners whose media a list shows; more than one only while a linked guest's items are being moved.
create function listed_owners(f jsonb) returns uuid[] language plpgsql stable security definer
set search_path = ambrotype, pg_temp as $$
declare
  found_ids uuid[];
begin
  if current_setting('role', true) = 'ambrotype_service' then
    if not f ? 'owner' then return null; end if;
    select coalesce(array_agg(o.id), '{}') into found_ids
    from jsonb_to_recordset(f -> 'owner') as w (kind text, subject text)
    join owner o on o.app = claims() ->> 'ambrotype_app' and o.kind = w.kind and o.subject = w.subject;
  else
    found_ids := current_owners();
    if array_length(found_ids, 1) > 1 then
      select coalesce(array_agg(o), '{}') into found_ids
      from unnest(found_ids) as o where exists (select from media m where m.owner_id = o);
    end if;
  end if;
  return found_ids;
end $$;

-- The WHERE of a list. Every value is quoted by format('%L'), every column is written here.
create function media_conditions(f jsonb) returns text language plpgsql stable security definer
set search_path = ambrotype, pg_temp as $$
declare
  ids uuid[] := listed_owners(f);
  owns text;
  live text;
  c text;
  pair record;
  near bigint;
begin
  owns := case
    when ids is null then 'true'
    when array_length(ids, 1) = 1 then format('m.owner_id = %L::uuid', ids[1])
    else format('m.owner_id = any (%L::uuid[])', ids)
  end;
  -- Written as the indexes have it, or the planner does not see that they hold.
  live := case
    when not f ? 'status' then 'm.status in (''kept'', ''keeping'')'
    else format('m.status = any (%L::text[])', array(select jsonb_array_elements_text(f -> 'status')))
         || case when f -> 'status' <@ '["kept", "keeping"]' then ' and m.status in (''kept'', ''keeping'')' else '' end
  end;
  c := owns || ' and ' || live
       || case when (f ->> 'trashed')::boolean then ' and m.deleted_at is not null' else ' and m.deleted_at is null' end;

  for pair in select * from (values ('kind'), ('source'), ('enhancement'), ('provider'), ('model'), ('project'), ('slot'),
                                    ('visibility'), ('content_type'), ('request_id')) as t (name) loop
    if f ? pair.name then
      c := c || case when jsonb_array_length(f -> pair.name) = 1
        then format(' and m.%I = %L', pair.name, f -> pair.name ->> 0)
        else format(' and m.%I = any (%L::text[])', pair.name, array(select jsonb_array_elements_text(f -> pair.name))) end;
      -- Partial indexes need their own condition said.
      if pair.name = 'source' and not f -> 'source' ? 'generation' then c := c || ' and m.source <> ''generation'''; end if;
      if pair.name = 'visibility' and not f -> 'visibility' ? 'private' then
        c := c || ' and m.visibility <> ''private''';
      end if;
    end if;
  end loop;
  if f ? 'favorite' then c := c || case when (f ->> 'favorite')::boolean then ' and m.favorite' else ' and not m.favorite' end; end if;
  for pair in select * from (values ('created_after', 'created_at', '>'), ('created_before', 'created_at', '<'),
                                    ('min_size', 'size', '>='), ('max_size', 'size', '<='),
                                    ('min_width', 'width', '>='), ('max_width', 'width', '<='),
                                    ('min_duration', 'duration', '>='), ('max_duration', 'duration', '<='))
              as t (name, col, op) loop
    if f ? pair.name then c := c || format(' and m.%I %s %L', pair.col, pair.op, f ->> pair.name); end if;
  end loop;
  if f ? 'sha256' then
    c := c || format(' and m.sha256 = any (%L::bytea[])', array(select decode(x, 'hex') from jsonb_array_elements_text(f -> 'sha256') as x));
  end if;
  if f ? 'source_hash' then
    c := c || format(' and m.source_hash = any (%L::bytea[])', array(select decode(x, 'hex') from jsonb_array_elements_text(f -> 'source_hash') as x));
  end if;
  if f ? 'generation' then
    c := c || format(' and m.generation_id = any (%L::uuid[])', array(select jsonb_array_elements_text(f -> 'generation')));
  end if;
  if f ? 'parent' then
    c := c || format(' and m.id = any (array(select p.media_id from media_parent p where p.parent_id = any (%L::uuid[])))',
                     array(select jsonb_array_elements_text(f -> 'parent')));
  end if;
  if f ? 'collection' then
    c := c || format(' and m.id = any (array(select i.media_id from collection_item i where i.collection_id = any (%L::uuid[])))',
                     array(select jsonb_array_elements_text(f -> 'collection')));
  end if;
  if f ? 'tag' then
    c := c || format(' and exists (select from media_tag g where g.media_id = m.id and g.owner_id = m.owner_id and g.tag = any (%L::text[]))',
                     array(select jsonb_array_elements_text(f -> 'tag')));
  end if;
  if f ? 'all_tags' then
    for pair in select jsonb_array_elements_text(f -> 'all_tags') as tag loop
      c := c || format(' and exists (select from media_tag g where g.media_id = m.id and g.owner_id = m.owner_id and g.tag = %L)', pair.tag);
    end loop;
  end if;
  if f ? 'query' then
    c := c || format(' and m.id in (select t.media_id from media_text t where t.search @@ %L::tsquery)',
                     case when ids is null then f ->> 'query' else
                       '(' || (f ->> 'query') || ') & ('
                       || (select string_agg(quote_literal(owner_lexeme(o)), ' | ') from unnest(ids || '{}'::uuid[]) as o) || ')' end);
  end if;
  if f ? 'media' then
    c := c || format(' and m.id = any (%L::uuid[])', array(select jsonb_array_elements_text(f -> 'media')));
  end if;
  return c;
end $$;

-- A page of ids in a list's order, after a position (value and id of the last row shown).
create function list_media(f jsonb, col text, descending boolean, after_value text, after_id uuid, most integer)
returns table (id uuid, sort_value text) language plpgsql stable security definer rows 50
set search_path = ambrotype, pg_temp as $$
declare
  c text;
  direction text := case when descending then 'desc' else 'asc' end;
  beyond text := case when descending then '<' else '>' end;
  what text;
  kind text;
  joined text := '';
  got integer := 0;
  by_tag boolean;
  present text;
  tag text := case when jsonb_array_length(f -> 'tag') = 1 then f -> 'tag' ->> 0
                   when jsonb_array_length(f -> 'all_tags') = 1 then f -> 'all_tags' ->> 0 end;
begin
  if col not in ('created_at', 'size', 'title', 'source_expires_at') then
    raise exception 'no such order: %', col using errcode = 'invalid_parameter_value';
  end if;
  by_tag := tag is not null and col = 'created_at' and array_length(listed_owners(f), 1) = 1;
  c := media_conditions(case when not by_tag then f when jsonb_array_length(f -> 'tag') = 1 then f - 'tag' else f - 'all_tags' end);
  what := case col when 'title' then '(lower(t.title) collate "C")' else format('m.%I', col) end;
  kind := case col when 'created_at' then 'timestamptz' when 'size' then 'bigint' when 'source_expires_at' then 'timestamptz' else 'text' end;
  present := case col when 'title' then 't.title' else what end;  -- as the index's condition has it
  if col = 'title' then joined := ' join media_text t on t.media_id = m.id and t.owner_id = m.owner_id'; end if;
  if by_tag then
    -- The tag's own index has the order already.
    return query execute format(
      'select m.id, g.created_at::text from media_tag g join media m on m.id = g.media_id'
      ' where g.owner_id = %L::uuid and g.tag = %L and %s%s order by g.created_at %s, g.media_id %s limit %s',
      (listed_owners(f))[1], tag, c,
      case when after_id is null then '' else format(' and (g.created_at, g.media_id) %s (%L::timestamptz, %L::uuid)', beyond, after_value, after_id) end,
      direction, direction, most);
    return;
  end if;
  -- Two scans instead of one OR: rows with a value in the index's order, then those without one by id.
  if after_id is null or after_value is not null then
    return query execute format(
      'select m.id, %s::text from media m%s where %s and %s is not null%s order by %s %s, m.id %s limit %s',
      what, joined, c, present,
      case when after_id is null then '' else format(' and (%s, m.id) %s (%L::%s, %L::uuid)', what, beyond, after_value, kind, after_id) end,
      what, direction, direction, most);
    get diagnostics got = row_count;
  end if;
  if got < most and col <> 'created_at' then
    return query execute format(
      'select m.id, null::text from media m%s where %s and %s is null%s order by m.id %s limit %s',
      joined, c, present,
      case when after_id is null or after_value is not null then '' else format(' and m.id %s %L::uuid', beyond, after_id) end,
      direction, most - got);
  end if;
end $$;

-- The best matches of a search: ranked among the newest 5,000, at most 1,000 of them.
create function relevant_media(f jsonb, after_rank real, after_id uuid, most integer)
returns table (id uuid, sort_value text) language plpgsql stable security definer rows 50
set search_path = ambrotype, pg_temp as $$
begin
  return query execute format(
    'select best.id, best.rank::text from ('
    '  select found.id, ts_rank(t.search, %L::tsquery) as rank from ('
    '    select m.id from media m where %s order by m.created_at desc limit 5000'
    '  ) as found join media_text t on t.media_id = found.id order by rank desc, found.id desc limit 1000'
    ') as best where %L::real is null or (best.rank, best.id) < (%L::real, %L::uuid)'
    ' order by best.rank desc, best.id desc limit %s',
    f ->> 'query', media_conditions(f), after_rank, after_rank, after_id, most);
end $$;

-- Counts of a list by kind, source, provider, model, project, tag and month. Beyond 100,000 matches they are counted on
-- 100,000 of them and scaled to the planner's estimate; tags are counted on 20,000 where something but the owner narrows
-- the list. Both are marked.
create function media_facets(f jsonb) returns jsonb language plpgsql volatile security definer
set search_path = ambrotype, pg_temp set work_mem = '64MB' as $$
declare
  c text := media_conditions(f);
  ids uuid[] := listed_owners(f);
  months timestamptz[] := array(  -- what is older counts as of the first
    select generate_series('2000-01-01 UTC'::timestamptz, now(), interval '1 month', 'UTC'));
  counted jsonb;
  tags jsonb;
  n bigint;
  plan jsonb;
  few constant integer := 20000;
  whole boolean := f - 'owner' = '{}' and array_length(ids, 1) = 1;
begin
  execute format($q$
    with mixed as materialized (
      select kind, source, provider, model, project, month, count(*) as n from (
        select m.kind, m.source, m.provider, m.model, m.project, greatest(width_bucket(m.created_at, %L::timestamptz[]), 1) as month
        from media m where %s limit 100001
      ) as found group by 1, 2, 3, 4, 5, 6
    )
    select (select coalesce(sum(n), 0) from mixed), jsonb_build_object(
      'kind', (select coalesce(jsonb_object_agg(v, n), '{}') from (select kind as v, sum(n) as n from mixed group by 1) as x),
      'source', (select coalesce(jsonb_object_agg(v, n), '{}') from (select source as v, sum(n) as n from mixed group by 1) as x),
      'provider', (select coalesce(jsonb_object_agg(v, n), '{}') from
                   (select provider as v, sum(n) as n from mixed where provider is not null group by 1 order by 2 desc limit 100) as x),
      'model', (select coalesce(jsonb_object_agg(v, n), '{}') from
                (select model as v, sum(n) as n from mixed where model is not null group by 1 order by 2 desc limit 100) as x),
      'project', (select coalesce(jsonb_object_agg(v, n), '{}') from
                  (select project as v, sum(n) as n from mixed where project is not null group by 1 order by 2 desc limit 100) as x),
      'month', (select coalesce(jsonb_object_agg(to_char((%L::timestamptz[])[v] at time zone 'utc', 'YYYY-MM'), n), '{}') from
                (select month as v, sum(n) as n from mixed group by 1) as x)
    )
  $q$, months, c, months) into n, counted;
  if whole and n <= 100000 then
    select coalesce(jsonb_object_agg(tag, x.n), '{}') into tags from (
      select g.tag, count(*) as n from media_tag g where g.owner_id = ids[1] and g.live group by 1 order by 2 desc limit 100
    ) as x;
  else
    execute format($q$
      select coalesce(jsonb_object_agg(tag, n), '{}') from (
        select g.tag, count(*) * %s as n from (select m.id, m.owner_id from media m where %s limit %s) as found
        join media_tag g on g.media_id = found.id group by 1 order by 2 desc limit 100
      ) as x
    $q$, greatest(1, n / few), c, few) into tags;
  end if;
  counted := counted || jsonb_build_object('tag', tags);
  if n > 100000 then
    execute format('explain (format json) select from media m where %s', c) into plan;
    select jsonb_object_agg(facet.key, (
      select coalesce(jsonb_object_agg(v.key, round(v.value::numeric * greatest((plan -> 0 -> 'Plan' ->> 'Plan Rows')::numeric / n, 1))), '{}')
      from jsonb_each_text(facet.value) as v
    )) into counted from jsonb_each(counted) as facet;
  end if;
  return counted || jsonb_build_object('approximate', n > 100000 or (n > few and not whole));
end $$;

revoke execute on all functions in schema ambrotype from public;
grant execute on function list_media(jsonb, text, boolean, text, uuid, integer), relevant_media(jsonb, real, uuid, integer),
  media_facets(jsonb) to ambrotype_app, ambrotype_service;
