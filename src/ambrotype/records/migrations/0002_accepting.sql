-- Accepting sources: the row is the promise. One call takes one item or a batch, in one transaction, as the caller
-- and under the caller's policies; an item that can't be accepted fails alone, before anything of it is written.

set local search_path = ambrotype, pg_temp;

create function schedule(item uuid, owning uuid, i jsonb) returns void language sql volatile
set search_path = ambrotype, pg_temp as $$
  insert into capture (media_id, owner_id, url, host, trusted, deadline, assumed)
  values (item, owning, i ->> 'url', i ->> 'host', (i ->> 'trusted')::boolean, (i ->> 'deadline')::timestamptz,
          (i ->> 'assumed')::boolean)
  on conflict (media_id) do update set
    url = excluded.url, host = excluded.host, trusted = excluded.trusted, deadline = excluded.deadline,
    assumed = excluded.assumed, not_before = now(), attempts = 0;
$$;

-- The source of a known item, told anew: a fresh signature, or another place for the same thing. Asks for keeping
-- where nobody had, or where it had failed.
create function resume_keeping(item uuid, owning uuid, i jsonb) returns text language plpgsql volatile
set search_path = ambrotype, pg_temp as $$
declare
  was text;
begin
  select status into was from media where id = item for update;
  if was in ('temporary', 'expired', 'lost') then
    update media set status = 'keeping', lost_code = null, lost_detail = null, lost_retryable = null,
      source_hash = decode(i ->> 'source_hash', 'hex'), source_expires_at = (i ->> 'source_expires_at')::timestamptz,
      source_expiry_rule = i ->> 'source_expiry_rule', source_trusted = (i ->> 'trusted')::boolean
    where id = item;
    update media_text set source_url = i ->> 'url' where media_id = item;
    perform schedule(item, owning, i);
  elsif was = 'keeping' then
    -- A later end means a fresher URL; one that is being fetched right now is left to finish first.
    update capture set url = i ->> 'url', host = i ->> 'host', trusted = trusted or (i ->> 'trusted')::boolean,
      deadline = (i ->> 'deadline')::timestamptz, assumed = (i ->> 'assumed')::boolean, not_before = now()
    where media_id = item and (deadline < (i ->> 'deadline')::timestamptz and url <> i ->> 'url');
    if found then
      update media_text set source_url = i ->> 'url' where media_id = item;
      update media set source_expires_at = (i ->> 'source_expires_at')::timestamptz,
        source_expiry_rule = i ->> 'source_expiry_rule' where id = item;
    end if;
  end if;
  return was;
end $$;

create function accept_one(me uuid, i jsonb, out id uuid, out outcome text, out detail text) language plpgsql volatile
set search_path = ambrotype, pg_temp as $$
declare
  digest bytea := decode(i ->> 'source_hash', 'hex');
  fresh uuid := (i ->> 'id')::uuid;
  parent record;
  parent_ids uuid[] := '{}';
  parent_roles text[] := '{}';
  number integer;
  was text;
begin
  -- Every id that a caller names is looked up as that caller.
  for parent in select p ->> 'id' as id, p ->> 'role' as role
                from jsonb_array_elements(coalesce(i -> 'parents', '[]')) as p where p ? 'id' loop
    perform from media m where m.id = parent.id::uuid and m.status <> 'tombstone';
    if not found then
      outcome := 'not_found';
      detail := format('There is no media item %s to be a parent.', parent.id);
      return;
    end if;
  end loop;
  for parent in select p, p ->> 'role' as role from jsonb_array_elements(coalesce(i -> 'parents', '[]')) as p loop
    if parent.p ? 'id' then
      parent_ids := parent_ids || (parent.p ->> 'id')::uuid;
    else
      parent_ids := parent_ids || (select a.id from accept_one(me, parent.p -> 'item') as a);
    end if;
    parent_roles := parent_roles || parent.role;
  end loop;

  -- The slot's row is the lock that numbers its versions, and that keeps two callers from putting one source in twice.
  if i ->> 'slot' is not null then
    insert into slot (owner_id, project, name) values (me, i ->> 'project', i ->> 'slot') on conflict do nothing;
    perform from slot s where s.owner_id = me and s.project = i ->> 'project' and s.name = i ->> 'slot' for update;
  end if;

  loop
    if digest is not null and not (i ->> 'again')::boolean then
      select m.id, m.status into id, was from media m
      where m.owner_id = me and m.source_hash = digest
        and coalesce(m.project, '') = coalesce(i ->> 'project', '') and coalesce(m.slot, '') = coalesce(i ->> 'slot', '')
        and not m.again and m.deleted_at is null and m.status <> 'tombstone';
      if found then
        if i ->> 'status' = 'keeping' then
          was := resume_keeping(id, me, i);
        end if;
        outcome := case when was in ('lost', 'expired') and i ->> 'status' = 'keeping' then 'resumed' else 'known' end;
        return;
      end if;
    end if;

    if i ->> 'slot' is not null and number is null then
      update slot s set last_version = s.last_version + 1
      where s.owner_id = me and s.project = i ->> 'project' and s.name = i ->> 'slot'
      returning s.last_version into number;
    end if;

    insert into media (id, app, owner_id, status, kind, source, enhancement, visibility, name, favorite, provider, model,
                       request_id, project, slot, version, source_hash, again, source_expires_at, source_expiry_rule,
                       source_trusted, layout, content_type, expires_at, created_at)
    select fresh, o.app, me, i ->> 'status', i ->> 'kind', i ->> 'source', i ->> 'enhancement', i ->> 'visibility',
           i ->> 'name', coalesce((i ->> 'favorite')::boolean, false), i ->> 'provider', i ->> 'model', i ->> 'request_id',
           i ->> 'project', i ->> 'slot', number, digest, (i ->> 'again')::boolean,
           (i ->> 'source_expires_at')::timestamptz, i ->> 'source_expiry_rule', coalesce((i ->> 'trusted')::boolean, false),
           i ->> 'layout', i ->> 'content_type',
           (i ->> 'expires_at')::timestamptz, clock_timestamp()
    from owner o where o.id = me
    on conflict (owner_id, source_hash, coalesce(project, ''), coalesce(slot, ''))
      where source_hash is not null and not again and deleted_at is null and status <> 'tombstone' do nothing;
    exit when found;
    -- Another transaction has just put the same source in: take the item that it made.
  end loop;

  id := fresh;
  outcome := 'new';
  insert into media_text (media_id, owner_id, source_url, title, description, tags, metadata, attribution, prompt, settings,
                          search)
  values (fresh, me, i ->> 'url', i ->> 'title', i ->> 'description',
          coalesce((select array_agg(t.value order by t.ordinality)
                    from jsonb_array_elements_text(i -> 'tags') with ordinality as t), '{}'),
          coalesce(i -> 'metadata', '{}'), nullif(i -> 'attribution', 'null'), i ->> 'prompt', coalesce(i -> 'settings', '{}'),
          coalesce(i ->> 'search', '')::tsvector);
  insert into media_parent (media_id, parent_id, role, owner_id, position)
  select fresh, p.parent, p.role, me, p.position
  from unnest(parent_ids, parent_roles) with ordinality as p (parent, role, position)
  where p.parent <> fresh
  on conflict do nothing;
  if i ->> 'status' = 'keeping' and i ->> 'url' is not null then
    perform schedule(fresh, me, i);
  end if;
end $$;

-- Takes a JSON array of items as `records/accepting.py` writes them; answers in the same order.
create function accept(items jsonb, fresh_owner uuid)
returns table (n bigint, id uuid, outcome text, detail text) language plpgsql volatile
set search_path = ambrotype, pg_temp as $$
declare
  me uuid := own(fresh_owner);
  i jsonb;
begin
  for n, i in select t.ordinality, t.value from jsonb_array_elements(items) with ordinality as t loop
    select a.id, a.outcome, a.detail into id, outcome, detail from accept_one(me, i) as a;
    return next;
  end loop;
  perform pg_notify('ambrotype_capture', '');
end $$;

revoke execute on all functions in schema ambrotype from public;
grant execute on function schedule(uuid, uuid, jsonb), resume_keeping(uuid, uuid, jsonb), accept_one(uuid, jsonb),
  accept(jsonb, uuid) to ambrotype_app, ambrotype_service;
