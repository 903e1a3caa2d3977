"""Texts in IPTC-IIM, which Photoshop keeps among its image resources (IIM 4.2; Adobe Photoshop file formats)."""

from ambrotype.decoding.inspection.texts import Texts, guess

HEADER = b"Photoshop 3.0\0"
IIM = 0x0404
NAMES = {5: "ObjectName", 25: "Keywords", 80: "By-line", 105: "Headline", 110: "Credit", 115: "Source", 120: "Caption"}
SPECIAL_INSTRUCTIONS = 40
MOST_RESOURCES = 1024


def read_resources(segment: bytes, texts: Texts) -> None:
    """Finds the IIM block among the resources of an APP13 segment."""
    at = len(HEADER)
    for _ in range(MOST_RESOURCES):
        if segment[at : at + 4] != b"8BIM":
            return
        kind = int.from_bytes(segment[at + 4 : at + 6], "big")
        name = 1 + (segment[at + 6] if at + 6 < len(segment) else 0)
        begin = at + 6 + name + name % 2
        size = int.from_bytes(segment[begin : begin + 4], "big")
        if kind == IIM:
            read(segment[begin + 4 : begin + 4 + size], texts)
        at = begin + 4 + size + size % 2


def read(block: bytes, texts: Texts) -> None:
    """Adds the texts of an IIM block's second record."""
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C and not texts.is_full:
        record, dataset = block[at + 1], block[at + 2]
        size = int.from_bytes(block[at + 3 : at + 5], "big")
        if size & 0x8000:  # extended: of files, not of texts
            return
        if record == 2 and (dataset in NAMES or dataset == SPECIAL_INSTRUCTIONS):
            name = NAMES.get(dataset, "SpecialInstructions")
            texts.add("iptc", name, guess(block[at + 5 : at + 5 + size]))
        at += 5 + size
