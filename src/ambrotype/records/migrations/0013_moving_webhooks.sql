-- A linked guest's webhooks move over with the rest, and what was delivered counts for the user (migration 0003).

set local search_path = ambrotype, pg_temp;

create or replace function move_rest(guest uuid, target uuid) returns void language plpgsql volatile
set search_path = ambrotype, pg_temp as $$
begin
  update collection set owner_id = target where owner_id = guest;
  update collection_item set owner_id = target where owner_id = guest;
  update share set owner_id = target where owner_id = guest;
  update webhook_delivery set owner_id = target
  where owner_id = guest and webhook_id in (select id from webhook where owner_id = guest);
  update webhook set owner_id = target where owner_id = guest;
  with gone as (delete from delivered where owner_id = guest returning *)
  insert into delivered as d (owner_id, day, mix, kind, source, provider, model, project, views, bytes, estimated)
  select target, day, mix, kind, source, provider, model, project, views, bytes, estimated from gone
  on conflict (owner_id, day, mix) do update set views = d.views + excluded.views, bytes = d.bytes + excluded.bytes,
    estimated = d.estimated + excluded.estimated;
end $$;
