"""XMP packets: the properties that say how something was made, as attributes, elements or resources (ISO 16684-1).

Parsed by expat. A packet that declares a document type or entities is not read: XMP has neither.
"""

import contextlib
import dataclasses
from xml.parsers import expat

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PROPERTIES = {
    f"{namespace} {name}": f"{prefix}:{name}"
    for namespace, prefix, names in (
        ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "Iptc4xmpExt", (
            "DigitalSourceType", "AISystemUsed", "AISystemVersionUsed", "AIPromptInformation", "AIPromptWriterName")),
        ("http://purl.org/dc/elements/1.1/", "dc", ("description", "title", "creator")),
        ("http://purl.org/dc/terms/", "dcterms", ("provenance",)),
        ("http://ns.adobe.com/xap/1.0/", "xmp", ("CreatorTool",)),
        ("http://ns.adobe.com/photoshop/1.0/", "photoshop", ("Credit",)),
        ("http://ns.adobe.com/exif/1.0/", "exif", ("UserComment",)),
    )
    for name in names
}  # fmt: skip
MOST_PACKET = 1 << 20
MOST_FOUND = 64


class _Refused(Exception):
    """The packet has what XMP does not have, or enough was found."""


@dataclasses.dataclass(slots=True)
class _Reading:
    """Values found so far, and the property that is open."""

    found: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    name: str | None = None
    depth: int = 0
    parts: list[str] = dataclasses.field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.name is not None:
            self.depth += 1
        elif name in PROPERTIES:
            self.name, self.depth, self.parts = PROPERTIES[name], 0, []
            self._add(PROPERTIES[name], attributes.get(f"{RDF} resource", ""))
        for key, value in attributes.items():
            if key in PROPERTIES:
                self._add(PROPERTIES[key], value)

    def text(self, text: str) -> None:
        if self.name is not None:
            self.parts.append(text)

    def end(self, _: str) -> None:
        if self.name is not None and self.depth == 0:
            self._add(self.name, "".join(self.parts))
            self.name = None
        self.depth -= 1

    def _add(self, name: str, value: str) -> None:
        if value.strip():
            self.found.append((name, value.strip()))
        if len(self.found) >= MOST_FOUND:
            raise _Refused


def properties(packet: str) -> list[tuple[str, str]]:
    """(prefix:name, value) of each known property; those before the damage where the packet is damaged."""
    reading = _Reading()
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator=" ")
    parser.StartElementHandler = reading.start
    parser.CharacterDataHandler = reading.text
    parser.EndElementHandler = reading.end
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    begin = packet.find("<")
    with contextlib.suppress(expat.ExpatError, _Refused):
        parser.Parse(packet[begin : begin + MOST_PACKET].encode("utf-8", "replace"), True)
    return reading.found


def _refuse(*_: object) -> None:
    raise _Refused
