-- Collections and shares of a linked guest move over with the rest (migration 0003).

set local search_path = ambrotype, pg_temp;

create or replace function move_rest(guest uuid, target uuid) returns void language plpgsql volatile
set search_path = ambrotype, pg_temp as $$
begin
  update collection set owner_id = target where owner_id = guest;
  update collection_item set owner_id = target where owner_id = guest;
  update share set owner_id = target where owner_id = guest;
end $$;
create index collection_item_owner on collection_item (owner_id);

-- As in migration 0003. A share of the slot follows it; where the user's own version is what the slot shows from now on,
-- which nobody shared, the share goes on showing what it showed.
create or replace function move_slot(guest uuid, target uuid, place_project text, place_name text) returns bigint
language plpgsql volatile set search_path = ambrotype, pg_temp as $$
declare
  mine slot;
  theirs slot;
  items uuid[];
begin
  insert into slot (owner_id, project, name) values (target, place_project, place_name) on conflict do nothing;
  select * into mine from slot s
  where s.owner_id = target and s.project = place_project and s.name = place_name for update;
  select * into theirs from slot s
  where s.owner_id = guest and s.project = place_project and s.name = place_name for update;
  with moved as (
    update media m set owner_id = target, version = m.version + mine.last_version,
      again = m.again or known_source(target, m)
    where m.owner_id = guest and m.project = place_project and m.slot = place_name and m.status <> 'tombstone'
    returning m.id
  )
  select coalesce(array_agg(id), '{}') into items from moved;
  perform move_dependents(items, target);
  update slot s set current_id = coalesce(s.current_id, theirs.current_id),
    last_version = greatest(s.last_version + coalesce(theirs.last_version, 0),
                            (select max(m.version) from media m where m.id = any (items)))
  where s.owner_id = target and s.project = place_project and s.name = place_name;
  if mine.last_version = 0 then
    update share h set owner_id = target where h.owner_id = guest and h.project = place_project and h.slot = place_name;
  elsif theirs.current_id is not null then
    update share h set owner_id = target, media_id = theirs.current_id, project = null, slot = null
    where h.owner_id = guest and h.project = place_project and h.slot = place_name;
  else
    update share h set revoked_at = coalesce(h.revoked_at, now())
    where h.owner_id = guest and h.project = place_project and h.slot = place_name;
  end if;
  delete from slot s where s.owner_id = guest and s.project = place_project and s.name = place_name;
  return cardinality(items);
end $$;
