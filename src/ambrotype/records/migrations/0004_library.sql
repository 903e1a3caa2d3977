-- Listing, search and facets. One audited function answers each; it binds the caller's owners itself, because under a
-- row policy full-text, array and jsonb operators may not use their indexes (they are not leakproof).

set local search_path = ambrotype, pg_temp;

-- Words ---------------------------------------------------------------------------------------------------------
-- The vector is made by the application (core/words.py): normalised words with positions and weights. Its owner is one
-- more lexeme of it, so that a word is looked up among the owner's items and not among everybody's.

create index media_text_search on media_text using gin (search);

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

-- A title as lists order by it, beside the columns that lists filter by; kept in step by a trigger.
alter table media add column title_order text collate "C";

create function follow_title() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
begin
  update media set title_order = lower(new.title) where id = new.media_id;
  return null;
end $$;
create trigger new_title after insert on media_text for each row when (new.title is not null)
  execute function follow_title();
create trigger follow_title after update of title on media_text for each row
  when (new.title is distinct from old.title) execute function follow_title();

-- What is shown of an item is its row here as well: whoever changes it changes the item (`updated_at`, its ETag and its revision in
-- lists), unless the same transaction has done so already.
create function touch_media() returns trigger language plpgsql security definer
set search_path = ambrotype, pg_temp as $$
begin
  update media m set updated_at = now() where m.id = new.media_id and m.status <> 'tombstone'
    and m.xmin <> pg_current_xact_id()::xid;
  return null;
end $$;
create trigger touch_media after update on media_text for each row
  when ((new.source_url, new.title, new.description, new.tags, new.metadata, new.attribution, new.prompt, new.settings,
         new.provenance, new.cost)
        is distinct from (old.source_url, old.title, old.description, old.tags, old.metadata, old.attribution, old.prompt,
                          old.settings, old.provenance, old.cost))
  execute function touch_media();

drop index media_newest;
drop index media_newest_all;
-- With the columns that facets count, usage adds up, and filters look at in passing: all of that reads the index alone.
create index media_newest on media (owner_id, created_at, id)
  include (status, kind, source, provider, model, project, size)
  where deleted_at is null and status <> 'tombstone';
create index media_everybody on media (created_at, id) where deleted_at is null and status in ('kept', 'keeping');
create index media_size on media (owner_id, size, id) where deleted_at is null and status in ('kept', 'keeping');
create index media_title on media (owner_id, title_order, id)
  where deleted_at is null and status in ('kept', 'keeping') and title_order is not null;
create index media_dying on media (owner_id, source_expires_at, id) where deleted_at is null and status in ('kept', 'keeping');
create index media_status on media (owner_id, status, created_at, id)
  where deleted_at is null and status not in ('kept', 'tombstone');
create index media_trash on media (owner_id, created_at, id) where deleted_at is not null;
create index media_kind on media (owner_id, kind, created_at, id) where deleted_at is null and status in ('kept', 'keeping');
create index media_provider on media (owner_id, provider, created_at, id)
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
  where deleted_at is null and status in ('kept', 'keeping')
    and content_type not in ('image/png', 'image/jpeg', 'image/webp', 'video/mp4');  -- what most items are: media_kind
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

-- The WHERE of a list is whose items it shows and in which state, and what else they must be. Every value is quoted by
-- format('%L'), every column is written here.
create function media_base(f jsonb, ids uuid[]) returns text language plpgsql stable
set search_path = ambrotype, pg_temp as $$
declare
  owns text;
  live text;
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
  return owns || ' and ' || live
         || case when (f ->> 'trashed')::boolean then ' and m.deleted_at is not null' else ' and m.deleted_at is null' end;
end $$;

create function media_narrowed(f jsonb, ids uuid[]) returns text language plpgsql stable
set search_path = ambrotype, pg_temp as $$
declare
  c text := '';
  pair record;
begin
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
      if pair.name = 'content_type' and not f -> 'content_type' ?| array['image/png', 'image/jpeg', 'image/webp', 'video/mp4'] then
        c := c || ' and m.content_type not in (''image/png'', ''image/jpeg'', ''image/webp'', ''video/mp4'')';
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

create function media_conditions(f jsonb) returns text language sql stable security definer
set search_path = ambrotype, pg_temp as $$
  select media_base(f, o.ids) || media_narrowed(f, o.ids) from (select listed_owners(f) as ids) as o
$$;

-- Unfiltered lists of one owner, by far the most: static statements, so that nothing is planned anew. A position is always
-- given; at the start it is one before all others. Rows without a value come last, by id.
create function plain_media(me uuid, col text, descending boolean, after_value text, after_id uuid, most integer)
returns table (id uuid, sort_value text) language plpgsql stable rows 50
set search_path = ambrotype, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  lowest constant uuid := '00000000-0000-0000-0000-000000000000';
  highest constant uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  beyond uuid := coalesce(after_id, case when descending then highest else lowest end);
  got integer := 0;
begin
  if after_id is not null and after_value is null then
    null;  -- among those without a value already
  elsif col = 'created_at' and descending then
    return query select m.id, m.created_at::text from media m
      where m.owner_id = me and m.deleted_at is null and m.status in ('kept', 'keeping')
        and (m.created_at, m.id) < (coalesce(after_value::timestamptz, 'infinity'), beyond)
      order by m.created_at desc, m.id desc limit most;
  elsif col = 'created_at' then
    return query select m.id, m.created_at::text from media m
      where m.owner_id = me and m.deleted_at is null and m.status in ('kept', 'keeping')
        and (m.created_at, m.id) > (coalesce(after_value::timestamptz, '-infinity'), beyond)
      order by m.created_at, m.id limit most;
  elsif col = 'size' and descending then
    return query select m.id, m.size::text from media m
      where m.owner_id = me and m.deleted_at is null and m.status in ('kept', 'keeping')
        and (m.size, m.id) < (coalesce(after_value::bigint, 9223372036854775807), beyond)
      order by m.size desc, m.id desc limit most;
  elsif col = 'size' then
    return query select m.id, m.size::text from media m
      where m.owner_id = me and m.deleted_at is null and m.status in ('kept', 'keeping')
        and (m.size, m.id) > (coalesce(after_value::bigint, -1), beyond)
      order by m.size, m.id limit most;
  elsif col = 'title' then
    return query select m.id, m.title_order from media m
      where m.owner_id = me and m.deleted_at is null and m.status in ('kept', 'keeping') and m.title_order is not null
        and (m.title_order, m.id) > (coalesce(after_value, ''), beyond)
      order by m.title_order, m.id limit most;
  else
    return query select m.id, m.source_expires_at::text from media m
      where m.owner_id = me and m.deleted_at is null and m.status in ('kept', 'keeping')
        and (m.source_expires_at, m.id) > (coalesce(after_value::timestamptz, '-infinity'), beyond)
      order by m.source_expires_at, m.id limit most;
  end if;
  get diagnostics got = row_count;
  if after_id is not null and after_value is null then
    got := 0;
  elsif got >= most or col = 'created_at' then
    return;
  else
    beyond := case when descending then highest else lowest end;
  end if;
  if col = 'size' and descending then
    return query select m.id, null::text from media m
      where m.owner_id = me and m.deleted_at is null and m.status in ('kept', 'keeping') and m.size is null and m.id < beyond
      order by m.id desc limit most - got;
  elsif col = 'size' then
    return query select m.id, null::text from media m
      where m.owner_id = me and m.deleted_at is null and m.status in ('kept', 'keeping') and m.size is null and m.id > beyond
      order by m.id limit most - got;
  elsif col = 'title' then
    return query select m.id, null::text from media m
      where m.owner_id = me and m.deleted_at is null and m.status in ('kept', 'keeping') and m.title_order is null
        and m.id > beyond
      order by m.id limit most - got;
  else
    return query select m.id, null::text from media m
      where m.owner_id = me and m.deleted_at is null and m.status in ('kept', 'keeping') and m.source_expires_at is null
        and m.id > beyond
      order by m.id limit most - got;
  end if;
end $$;

-- Goes along an order's index and takes the rows that hit, until there are enough; gives up where few do, because looking
-- all of those up is cheaper then. `rows` is a statement of list_media: id, value and hit, in order.
create function walk_media(rows text, most integer, out ids uuid[], out sort_values text[], out given_up boolean)
language plpgsql stable set search_path = ambrotype, pg_temp
set enable_sort = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  r record;
  seen bigint := 0;
  n integer := 0;
begin
  given_up := false;
  for r in execute rows loop
    seen := seen + 1;
    if r.hit then
      n := n + 1;
      ids[n] := r.id;
      sort_values[n] := r.sort_value;
      if n >= most then return; end if;
    end if;
    -- So many rows have been looked at, and at this rate 4,000 would not do.
    if seen % 100 = 0 and seen >= 200 and (seen * most) / greatest(n, 1) > 4000 then
      given_up := true;
      return;
    end if;
  end loop;
end $$;

-- A page of ids in a list's order, after a position (value and id of the last row shown). For media_heads, which says whose.
create function list_media(owners uuid[], f jsonb, col text, descending boolean, after_value text, after_id uuid, most integer)
returns table (id uuid, sort_value text) language plpgsql stable rows 50 set search_path = ambrotype, pg_temp as $$
declare
  me uuid := case when cardinality(owners) = 1 then owners[1] end;
  direction text := case when descending then 'desc' else 'asc' end;
  beyond text := case when descending then '<' else '>' end;
  what text := case col when 'title' then 'm.title_order' else format('m.%I', col) end;
  kind text := case col when 'size' then 'bigint' when 'title' then 'text' else 'timestamptz' end;
  tags text[];      -- those that an item must all have
  plain jsonb;      -- the filters that are columns of media
  probe text := ''; -- whether an item has the tags and words, looked up for it alone
  found_all text;   -- all items that have them
  base text;
  position text;
  valued boolean;
  walks boolean := true;
  walked record;
  got integer := 0;
begin
  if col not in ('created_at', 'size', 'title', 'source_expires_at') then
    raise exception 'no such order: %', col using errcode = 'invalid_parameter_value';
  end if;
  if me is not null and f - 'owner' = '{}' then
    return query select p.id, p.sort_value from plain_media(me, col, descending, after_value, after_id, most) as p;
    return;
  end if;
  tags := array(select jsonb_array_elements_text(f -> 'all_tags'));
  if jsonb_array_length(f -> 'tag') = 1 then tags := tags || array[f -> 'tag' ->> 0]; end if;
  plain := f - 'all_tags' - 'query';
  if jsonb_array_length(f -> 'tag') = 1 then plain := plain - 'tag'; end if;
  base := media_base(f, owners);
  found_all := base || media_narrowed(f, owners);

  if me is not null and not f ? 'status' and not f ? 'trashed' then
    if not f ? 'query' and cardinality(tags) = 1 and col = 'created_at' then
      -- The tag's own index has the order already.
      return query execute format(
        'select m.id, g.created_at::text from media_tag g join media m on m.id = g.media_id'
        ' where g.owner_id = %L::uuid and g.tag = %L and %s%s%s order by g.created_at %s, g.media_id %s limit %s',
        me, tags[1], base, media_narrowed(plain, owners),
        case when after_id is null then ''
             else format(' and (g.created_at, g.media_id) %s (%L::timestamptz, %L::uuid)', beyond, after_value, after_id) end,
        direction, direction, most);
      return;
    end if;
    if cardinality(tags) > 0 then
      select string_agg(format(
        ' and (select true from media_tag g where g.owner_id = %L::uuid and g.tag = %L and g.created_at = m.created_at and g.media_id = m.id)',
        me, tag), '') into probe from unnest(tags) as tag;
      if not f ? 'query' then
        -- The rarest of the tags, counted up to what a walk would have found; a really rare one needs no walk.
        select rare.n > 1000, format('%s and m.id = any (array(select g.media_id from media_tag g where g.owner_id = %L::uuid and g.tag = %L))%s%s',
                      base, me, rare.tag, media_narrowed(plain, owners), probe) into walks, found_all
        from (select t.tag, (select count(*) from (
                select from media_tag g where g.owner_id = me and g.tag = t.tag limit 5000) as few) as n
              from unnest(tags) as t (tag)) as rare order by rare.n limit 1;
      end if;
    end if;
    if f ? 'query' then
      probe := probe || format(' and (select t.search @@ %L::tsquery from media_text t where t.media_id = m.id)', f ->> 'query');
    end if;
  end if;

  -- Two turns instead of one OR: rows with a value in the index's order, then those without one by id.
  foreach valued in array array[true, false] loop
    continue when valued and after_id is not null and after_value is null;
    exit when got >= most or (not valued and col = 'created_at');
    position := case
      when not valued then format(' and %s is null%s', what, case when after_id is null or after_value is not null then ''
                                                              else format(' and m.id %s %L::uuid', beyond, after_id) end)
      else format(' and %s is not null%s', what, case when after_id is null then ''
                  else format(' and (%s, m.id) %s (%L::%s, %L::uuid)', what, beyond, after_value, kind, after_id) end)
    end || ' order by ' || case when valued then format('%s %s, ', what, direction) else '' end || 'm.id ' || direction;
    if probe <> '' and walks and valued then  -- no index has those without a value in order
      select w.* into walked from walk_media(format(
        'select m.id, %s::text as sort_value, coalesce(case when true%s then true%s end, false) as hit from media m where %s%s',
        what, media_narrowed(plain, owners), probe, base, position), most - got) as w;
      if not walked.given_up then
        return query select u.id, u.value from unnest(walked.ids, walked.sort_values) as u (id, value);
        got := got + coalesce(cardinality(walked.ids), 0);
        continue;
      end if;
    end if;
    return query execute format('select m.id, %s::text from media m where %s%s limit %s', what, found_all, position, most - got);
    if valued then get diagnostics got = row_count; end if;
  end loop;
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
-- 100,000 of them and scaled to the planner's estimate; tags are counted on 10,000 where something but the owner narrows
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
  few constant integer := 10000;
  whole boolean := f - 'owner' = '{}' and coalesce(cardinality(ids), 0) = 1;
begin
  execute format($q$
    with found as %s (
      select m.id, m.kind, m.source, m.provider, m.model, m.project,
             greatest(width_bucket(m.created_at, %L::timestamptz[]), 1) as month
      from media m where %s limit 100001
    ), mixed as materialized (
      select kind, source, provider, model, project, month, count(*) as n from found group by 1, 2, 3, 4, 5, 6
    )
    select (select coalesce(sum(n), 0) from mixed),
           case when not %L then (
             select coalesce(jsonb_object_agg(tag, x.n * greatest(1, (select sum(n) from mixed) / %s)), '{}') from (
               select g.tag, count(*) as n from (select id from found limit %s) as sample join media_tag g on g.media_id = sample.id
               group by 1 order by 2 desc limit 100) as x) end,
           jsonb_build_object(
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
  $q$, case when whole then 'not materialized' else 'materialized' end, months, c, whole, few, few, months)
  into n, tags, counted;
  if whole and n <= 100000 then
    select coalesce(jsonb_object_agg(tag, x.n), '{}') into tags from (
      select g.tag, count(*) as n from media_tag g where g.owner_id = ids[1] and g.live group by 1 order by 2 desc limit 100
    ) as x;
  elsif whole then
    execute format($q$
      select coalesce(jsonb_object_agg(tag, n), '{}') from (
        select g.tag, count(*) * %s as n from (select m.id from media m where %s limit %s) as found
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

-- What a page of a list is made of: for each item in order its id and revision, which changes whenever the media object does
-- (records/media.py). So whoever has shown an item before need not read it again.
create function media_heads(f jsonb, col text, descending boolean, after_value text, after_id uuid, most integer,
                            out revisions text[], out sort_values text[])
language plpgsql stable security definer
set search_path = ambrotype, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  owners uuid[] := listed_owners(f);
  ids uuid[];
  shown_as uuid;
begin
  if col = 'relevance' then
    select array_agg(l.id order by l.n), array_agg(l.sort_value order by l.n) into ids, sort_values
    from relevant_media(f, after_value::real, after_id, most) with ordinality as l (id, sort_value, n);
  else
    select array_agg(l.id order by l.n), array_agg(l.sort_value order by l.n) into ids, sort_values
    from list_media(owners, f, col, descending, after_value, after_id, most) with ordinality as l (id, sort_value, n);
  end if;
  if cardinality(owners) = 1 then
    select coalesce(o.merged_into, o.id) into shown_as from owner o where o.id = owners[1];
  end if;
  select array_agg(
           concat_ws(' ', m.id, (extract(epoch from m.updated_at) * 1000000)::bigint,
             coalesce(shown_as, (select coalesce(o.merged_into, o.id) from owner o where o.id = m.owner_id)),
             case when m.slot is not null then (
               select coalesce(s.current_id = m.id, false) from slot s
               where s.owner_id = m.owner_id and s.project = m.project and s.name = m.slot) end)
           order by l.n) into revisions
  from unnest(ids) with ordinality as l (id, n) join media m on m.id = l.id
  where owners is null or m.owner_id = any (owners);
end $$;

revoke execute on all functions in schema ambrotype from public;
grant execute on function relevant_media(jsonb, real, uuid, integer), media_facets(jsonb), media_heads(jsonb, text, boolean, text, uuid, integer) to ambrotype_app, ambrotype_service;
