"""``# inline``: the source of course objects in place of their import."""

from dlbook.build.cells import Piece, join
from dlbook.build.markers import Marked
from dlbook.build.source import Definition, Import, Source


def inline(marked: Marked, source: Source, chosen: list[Definition]) -> Piece:
    """The chosen definitions as they stand in ``source``, then ``alias = name`` for each alias."""
    code = _source_of(chosen, source)
    aliases = [
        f"{alias.asname} = {alias.name}"
        for alias in marked.node.names
        if alias.asname and alias.asname != alias.name
    ]
    names = frozenset().union(*(definition.names for definition in chosen))
    return Piece(
        join([code, "\n".join(aliases)]),
        marked.line,
        needs=source.imports_for(code),
        defines=frozenset(Import(source.module, name) for name in names),
    )


def _source_of(chosen: list[Definition], source: Source) -> str:
    """The definitions, spaced as in their file: neighbours stay neighbours."""
    code, last = "", 0
    for definition in chosen:
        between = source.between(last + 1, definition.start - 1)
        neighbours = not between.strip()
        code += "\n" * (definition.start - last if neighbours else 3) if code else ""
        code += source.between(definition.start, definition.end)
        last = definition.end
    return code
