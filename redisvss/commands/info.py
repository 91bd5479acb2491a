"""FT.INFO and FT.TAGVALS."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from redisvss.commands.args import Args, as_text
from redisvss.commands.registry import command
from redisvss.errors import CommandError
from redisvss.fields.base import Field
from redisvss.fields.tag import TagField
from redisvss.reply import Reply, Session, Set
from redisvss.schema import FieldSpec, IndexDefinition
from redisvss.searchindex import FailureCount, SearchIndex

if TYPE_CHECKING:
    from redisvss.engine import Engine

_MEGABYTE = 1024 * 1024
_NOT_AVAILABLE = b"N/A"


@command("FT.INFO", arity=-2, summary="Returns information and statistics on the index")
def ft_info(engine: Engine, session: Session, args: Args) -> Reply:
    index = engine.find(args.next(), lambda _: "Unknown index name")
    if not index.scanning:  # its progress is what FT.INFO is asked for meanwhile
        engine.synchronizer.complete(index)
    with index.lock.read():
        return {
            "index_name": index.name,
            "index_options": _options(index.definition),
            "index_definition": _definition(index.definition),
            "attributes": [_attribute(field, session.protocol) for field in index.fields],
            **_counts(index),
            **_sizes(index),
            **_averages(index),
            **_progress(index),
            "gc_stats": dict.fromkeys(_GC_STATS, 0.0) | {"average_cycle_time_ms": -math.nan},
            "cursor_stats": _cursors(engine, index),
            **({"stopwords_list": _stopwords(index.definition)} if index.definition.stopwords is not None else {}),
            "dialect_stats": {f"dialect_{d}": int(d in index.dialects_used) for d in (1, 2, 3, 4)},
            "Index Errors": {**_failures(index.failures), "background indexing status": "OK"},
            "field statistics": [
                _field_statistics(field, count) for field, count in zip(index.fields, index.field_failures, strict=True)
            ],
        }


_GC_STATS = (
    "bytes_collected",
    "total_ms_run",
    "total_cycles",
    "average_cycle_time_ms",
    "last_run_time_ms",
    "gc_numeric_trees_missed",
    "gc_blocks_denied",
)


def _options(definition: IndexDefinition) -> list[str]:
    named = (
        ("NOFREQS", definition.nofreqs),
        ("NOFIELDS", definition.nofields),
        ("NOOFFSETS", definition.nooffsets),
        ("NOHL", definition.nohl and not definition.nooffsets),
        ("MAXTEXTFIELDS", definition.maxtextfields),
    )
    return [name for name, given in named if given]


def _definition(definition: IndexDefinition) -> dict[str, Any]:
    shown: dict[str, Any] = {"key_type": definition.key_type.encode(), "prefixes": list(definition.prefixes)}
    if definition.filter is not None:
        shown["filter"] = definition.filter.encode("utf-8", "surrogateescape")
    if definition.language != "english":
        shown["default_language"] = definition.language.encode()
    if definition.language_field is not None:
        shown["language_field"] = definition.language_field
    shown["default_score"] = definition.score
    if definition.score_field is not None:
        shown["score_field"] = definition.score_field
    if definition.payload_field is not None:
        shown["payload_field"] = definition.payload_field
    return shown


def _attribute(field: Field, protocol: int) -> Reply:
    spec = field.spec
    shown = {"identifier": spec.identifier, "attribute": spec.attribute, "type": spec.type.encode(), **field.info()}
    if protocol >= 3:
        return {**shown, "flags": _flags(spec)}
    return [part for pair in shown.items() for part in pair] + _flags(spec)


def _flags(spec: FieldSpec) -> list[str]:
    named = (
        ("CASESENSITIVE", spec.options.get("casesensitive")),
        ("SORTABLE", spec.sortable),
        ("UNF", spec.unf),
        ("NOSTEM", spec.options.get("nostem")),
        ("NOINDEX", spec.noindex),
        ("WITHSUFFIXTRIE", spec.with_suffix_trie),
        ("INDEXEMPTY", spec.index_empty),
        ("INDEXMISSING", spec.index_missing),
    )
    return [name for name, given in named if given]


def _counts(index: SearchIndex) -> dict[str, Any]:
    return {
        "num_docs": len(index),
        "max_doc_id": index.table.max_doc_id,
        "num_terms": index.text.count_terms(),
        "num_records": index.text.count_postings(),
    }


def _sizes(index: SearchIndex) -> dict[str, Any]:
    """True sizes of this engine's structures, under RediSearch's names."""
    by_type = {"VECTOR": 0, "TAG": 0, "GEOSHAPE": 0}
    for field in index.fields:
        if field.spec.type in by_type:
            by_type[field.spec.type] += field.memory_bytes()
    text, table = index.text.memory_bytes(), index.table.memory_bytes()
    columns = sum(column.memory_bytes() for column in index.sort_columns.values())
    return {
        "inverted_sz_mb": text / _MEGABYTE,
        "vector_index_sz_mb": by_type["VECTOR"] / _MEGABYTE,
        "total_inverted_index_blocks": index.text.count_terms(),
        "offset_vectors_sz_mb": 0.0,
        "doc_table_size_mb": table / _MEGABYTE,
        "sortable_values_size_mb": columns / _MEGABYTE,
        "key_table_size_mb": sum(map(len, index.keys())) / _MEGABYTE,
        "tag_overhead_sz_mb": by_type["TAG"] / _MEGABYTE,
        "text_overhead_sz_mb": 0.0,
        "total_index_memory_sz_mb": index.memory_bytes() / _MEGABYTE,
        "geoshapes_sz_mb": by_type["GEOSHAPE"] / _MEGABYTE,
    }


def _averages(index: SearchIndex) -> dict[str, Any]:
    records, docs = index.text.count_postings(), len(index)
    return {
        "records_per_doc_avg": records / docs if docs else math.nan,
        "bytes_per_record_avg": index.text.memory_bytes() / records if records else math.nan,
        "offsets_per_term_avg": 1.0 if records else math.nan,
        "offset_bits_per_record_avg": 32.0 if records else math.nan,
    }


def _cursors(engine: Engine, index: SearchIndex) -> dict[str, Any]:
    stats, capacity = engine.cursors.stats(index), engine.config.get("INDEX_CURSOR_LIMIT")
    return {
        "global_idle": stats.idle,
        "global_total": stats.total,
        "index_capacity": int(capacity or 0),
        "index_total": stats.of_index,
    }


def _progress(index: SearchIndex) -> dict[str, Any]:
    scanning = index.scanning
    share = min(index.scanned / index.to_scan, 1.0) if scanning and index.to_scan else float(not scanning)
    return {
        "hash_indexing_failures": index.failures.count,
        "total_indexing_time": index.indexing_seconds * 1000,
        "indexing": int(scanning),
        "percent_indexed": share,
        "number_of_uses": index.uses,
        "cleaning": 0,
    }


def _stopwords(definition: IndexDefinition) -> list[bytes]:
    return [word.encode("utf-8", "surrogateescape") for word in sorted(definition.stopwords or ())]


def _failures(count: FailureCount) -> dict[str, Any]:
    last = count.last
    return {
        "indexing failures": count.count,
        "last indexing error": _NOT_AVAILABLE if last is None else last.text.encode("utf-8", "surrogateescape"),
        "last indexing error key": _NOT_AVAILABLE if last is None else last.key,
    }


def _field_statistics(field: Field, count: FailureCount) -> dict[str, Any]:
    spec = field.spec
    return {"identifier": spec.identifier, "attribute": spec.attribute, "Index Errors": _failures(count)}


@command("FT.TAGVALS", arity=3, summary="Returns the distinct tags indexed in a Tag field")
def ft_tagvals(engine: Engine, session: Session, args: Args) -> Reply:
    index = engine.search_index(args.next(), lambda _: "Unknown Index name")
    field = index.by_name.get(as_text(args.next()))
    if field is None:
        raise CommandError("No such field")
    if not isinstance(field, TagField):
        raise CommandError("Not a tag field")
    with index.lock.read():
        return Set(value.encode("utf-8", "surrogateescape") for value in field.tags.values())


@command("REDISVSS.FAILURES", arity=-2, summary="Lists the documents that could not be indexed, with field and reason")
def redisvss_failures(engine: Engine, session: Session, args: Args) -> Reply:
    """`REDISVSS.FAILURES index [LIMIT offset count]`: [total, [key, attribute, text] …]; RediSearch only counts."""
    index = engine.search_index(args.next(), lambda _: "Unknown index name")
    offset, count = 0, 100
    if args.accept(b"LIMIT"):
        offset, count = args.integer("LIMIT", 0), args.integer("LIMIT", 0)
    with index.lock.read():
        listed = list(index.failing.values())
    page = listed[offset : offset + count]
    return [len(listed), *([f.key, f.attribute, f.text.encode("utf-8", "surrogateescape")] for f in page)]
