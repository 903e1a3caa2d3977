"""A large library made by SQL: one owner with three tenths of it, three with a tenth each, all others small."""

import psycopg

from ambrotype.core import words

WORDS = [
    "fox", "cat", "dog", "red", "blue", "green", "river", "mountain", "city", "night", "portrait", "watercolor",
    "cinematic", "robot", "garden", "ocean", "forest", "castle", "dragon", "neon",
]  # fmt: skip

_OWNERS = """
insert into owner (id, app, kind, subject)
select gen_random_uuid(), 'default', 'user', n::text from generate_series(1, 4 + greatest(1, %(n)s / 2500)) n
"""
_SEEDS = """
create temp table seed as
select n, ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id, o.id as owner_id,
       random() as r1, random() as r2, random() as r3, random() as r4, random() as r5
from generate_series(1, %(n)s) n
join owner o on o.subject = (case when n %% 10 < 3 then 1 when n %% 10 = 3 then 2 when n %% 10 = 4 then 3 when n %% 10 = 5 then 4
  else 5 + (hashint4(n) & 2147483647) %% greatest(1, %(n)s / 2500) end)::text
"""
_MEDIA = """
insert into media (id, app, owner_id, status, kind, source, enhancement, visibility, name, favorite, provider, model,
  request_id, project, source_hash, layout, bucket, path, size, content_type, sha256, width, height, duration, created_at,
  kept_at, source_expires_at, phash, title_order)
select s.id, 'default', s.owner_id, case when r1 < 0.97 then 'kept' else 'keeping' end, k.kind,
  case when r2 < 0.8 then 'generation' when r2 < 0.9 then 'upload' when r2 < 0.97 then 'enhanced' else 'stock' end,
  case when r3 < 0.01 then 'Nano Banana' end,
  case when r3 < 0.9 then 'private' when r3 < 0.97 then 'unlisted' else 'public' end, 'a.png', r2 < 0.02,
  case when r1 < 0.5 then 'fal' when r1 < 0.8 then 'openai' when r1 < 0.999 then 'ark' else 'replicate' end,
  'model-' || (r3 * r3 * 40)::int, 'req-' || s.n, case when r2 < 0.3 then 'project-' || (r3 * 200)::int end,
  sha256(s.id::text::bytea), 'default', 'media', s.id::text, (r4 * 5e6)::int,
  case k.kind when 'image' then 'image/png' when 'video' then 'video/mp4' else 'audio/mpeg' end, sha256(s.id::text::bytea),
  256 + (r2 * 4000)::int, 512, case when k.kind <> 'image' then r3 * 60 end,
  now() - make_interval(secs => (%(n)s - s.n) * 20), now(), now() - make_interval(secs => (%(n)s - s.n) * 20),
  hashint8extended(s.n / 20, 7)
    # (case when s.n %% 2 = 0 then 0 else (1::bigint << (s.n %% 64)) | (1::bigint << (s.n * 7 %% 64)) end),
  'title ' || (r5 * 100000)::int
from seed s, lateral (select case when s.r2 * s.r3 < 0.5 then 'image' when s.r2 * s.r3 < 0.97 then 'video' else 'audio' end
                      as kind) k
"""
_TEXT = """
insert into media_text (media_id, owner_id, title, tags, prompt, search)
select s.id, s.owner_id, 'title ' || (s.r5 * 100000)::int,
  array['tag' || (s.r2 * s.r2 * 50)::int, 'set' || (s.r3 * 1000)::int], p.prompt,
  to_tsvector('simple', p.prompt || ' word' || (s.r3 * s.r1 * 20000)::int) || array_to_tsvector(array['owner/' || s.owner_id])
from seed s, lateral (select coalesce(string_agg(w.word, ' '), 'plain') as prompt
  from unnest(%(words)s::text[]) with ordinality as w (word, n) where (hashint8(w.n * 7919 + s.n) & 3) = 0) p
"""
_TAGS = """
insert into media_tag (owner_id, tag, created_at, media_id)
select t.owner_id, g, m.created_at, m.id from media_text t join media m on m.id = t.media_id, unnest(t.tags) g
"""


def fill(admin: str, n: int) -> None:
    """Fills an empty, migrated database with `n` items. Triggers rest meanwhile: what they would do is done here."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("set search_path = ambrotype, pg_temp")
        connection.execute("set session_replication_role = replica")
        connection.execute("set maintenance_work_mem = '512MB'")
        for statement in (_OWNERS, _SEEDS, _MEDIA):
            connection.execute(statement.encode(), {"n": n})
        connection.execute("drop index media_text_search")
        connection.execute(_TEXT.encode(), {"n": n, "words": WORDS})
        connection.execute("create index media_text_search on media_text using gin (search)")
        connection.execute(_TAGS.encode())
        connection.execute("set session_replication_role = origin")
        for table in ("media", "media_text", "media_tag"):
            connection.execute(f"vacuum analyze ambrotype.{table}".encode())


def give(admin: str, session: str, n: int) -> None:
    """Makes `n` items of the largest owner those of a guest, which are all that it has."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("set search_path = ambrotype, pg_temp")
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "create temp table given as select m.id, m.owner_id as was, g.id as now from owner g, owner o join media m"
            " on m.owner_id = o.id where g.kind = 'guest' and g.subject = %s and o.subject = '1'"
            " order by m.created_at desc limit %s",
            [session, n],
        )
        connection.execute("update media m set owner_id = g.now from given g where g.id = m.id")
        connection.execute(
            "update media_text t set owner_id = g.now, search = ts_delete(t.search, 'owner/' || g.was)"
            " || array_to_tsvector(array['owner/' || g.now]) from given g where g.id = t.media_id"
        )
        connection.execute("update media_tag t set owner_id = g.now from given g where g.id = t.media_id")
        connection.execute("set session_replication_role = origin")


FILTERS: dict[str, dict[str, object]] = {
    "no filter": {},
    "kind": {"kind": ["audio"]},
    "status": {"status": ["keeping"]},
    "source": {"source": ["stock"]},
    "enhancement": {"enhancement": ["Nano Banana"]},
    "provider, rare": {"provider": ["replicate"]},
    "model": {"model": ["model-39"]},
    "project": {"project": ["project-77"]},
    "favorite": {"favorite": True},
    "visibility": {"visibility": ["public"]},
    "content type": {"content_type": ["audio/mpeg"]},
    "tag, common": {"tag": ["tag0"]},
    "tag, rare": {"tag": ["set777"]},
    "two tags": {"all_tags": ["tag1", "set3"]},
    "created after": {"created_after": "2026-01-01T00:00:00Z"},
    "size": {"min_size": 4_999_000},
    "width": {"min_width": 4250},
    "duration": {"min_duration": 59.99},
    "request id": {"request_id": ["req-1000"]},
    "word, common": {"query": words.query("fox ")},
    "word, rare": {"query": words.query("word777 ")},
    "prefix": {"query": words.query("fo")},
    "phrase": {"query": words.query('"fox cat" -dog ')},
    "word not there": {"query": words.query("zzz ")},
}
"""As the database's functions take them."""
