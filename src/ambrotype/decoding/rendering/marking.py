"""How a rendition says that a machine made its original: IPTC's digital source type, as XMP, and nothing else."""

from ambrotype.core import provenance

_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    ' Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/{code}"/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""Of the box that holds XMP in MP4 (XMP specification part 3, section 1.2.7)."""


def packet(code: str | None) -> bytes | None:
    """The XMP of one of IPTC's codes; None for none."""
    return _PACKET.format(code=code).encode() if code in provenance.CODES else None


def box(xmp: bytes) -> bytes:
    """The same as a box to stand at the end of an MP4."""
    return (24 + len(xmp)).to_bytes(4, "big") + b"uuid" + UUID + xmp
