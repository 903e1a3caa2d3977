"""Permanent and signed URLs: from a media row to bytes on the wire.

A request is *read* (`request`), its signature *verified* (`signing`), the item's state and the caller's right
*admitted* or refused and the reply *planned* (`decision`, with `conditional`, `ranges`, `multipart` and
`headers`), and its *body* sent (`body`, `reading`). `handler.Permanent` runs these steps; it is the only
entry:

    permanent = handler.Permanent(store=store, keys=keys, doors=handler.Doors(...), mode="auto")

    async def endpoint(scope, receive, send):          # raw ASGI, for GET and HEAD of /m/{id}/{name}
        id = ids.parse(scope["path"].split("/", 3)[2])     # None: answer 404 as for any unknown id
        found = await deliverable_for(principal, id)   # the database's row, `mine` by who asks
        done = await permanent.respond(scope, receive, send, media_id=id, found=found)
        count(done)                                    # views and egress

`found` is the item whoever asks, also a private one that is not the caller's: a signature may be what opens
it. No middleware around this may touch the body (compression, BaseHTTPMiddleware): whole files leave by
the server's `pathsend`. Left to the caller: routing, 405, CORS, `X-Request-Id`, a problem's words
(`Doors.problem`).
"""
