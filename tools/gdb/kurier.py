"""Printers for gdb: in a core dump or a live process, lists, batches, partitions and brokers of kurier read like sentences.

    (gdb) source tools/gdb/kurier.py
    (gdb) print *partition
    $1 = orders/3: leader kafka-1:9092 (id 1) epoch 7, producer id 4000 epoch 0, next sequence 12; 1 queued, 2 in flight
    (gdb) print partition->flights
    $2 = list of 2 = {[0] = orders/3 records 4..6: in_flight, ...

`print/r` shows the plain fields. engine::dump() writes the same while the process runs; this is for when it doesn't."""

import re

import gdb
import gdb.printing


def enum_name(value):
    return str(value).rsplit("::", 1)[-1]


def text_of(value):
    """A std::string, a std::shared_ptr to one, or what has one of them inside, as libstdc++ lays them out."""
    kind = str(value.type.strip_typedefs().unqualified())
    if kind.startswith("std::shared_ptr<"):
        return text_of(value["_M_ptr"].dereference()) if value["_M_ptr"] else "?"
    if kind.startswith(("std::__cxx11::basic_string<", "std::basic_string<")):
        return value["_M_dataplus"]["_M_p"].string(length=int(value["_M_string_length"]))
    return text_of(value[value.type.strip_typedefs().fields()[0]])


def place_of(partition):
    topic = partition["topic"]
    return f"{text_of(topic['name']) if topic else '?'}/{int(partition['index'])}"


def elements(chain):
    """Pointers to what is in an intrusive_list."""
    hook = re.search(r"::(\w+)\)?>$", str(hooked_list(chain.type)))[1]
    at = chain["first_"]
    while at:
        yield at
        at = at[hook]["next"]


def type_name(kind):
    """Without the inline namespace that names the version."""
    return re.sub(r"\bkurier::v[0-9_]+::", "kurier::", str(kind.strip_typedefs().unqualified()))


def hooked_list(kind):
    """The intrusive_list that a type is, or is derived from."""
    kind = kind.strip_typedefs().unqualified()
    while not type_name(kind).startswith("kurier::core::intrusive_list<"):
        kind = kind.fields()[0].type
    return kind


class ListPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        count = int(self.value["size_"])
        return f"list of {count}" if count else "empty list"

    def children(self):
        for index, element in enumerate(elements(self.value)):
            yield f"[{index}]", element.dereference()


class BatchPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        it = self.value
        first, count = int(it["first_record"]), int(it["record_count"])
        where = place_of(it["partition"].dereference()) if it["partition"] else "no partition"
        words = [f"{where} records {first}..{first + count - 1}" if count else f"{where} no records",
                 f"{enum_name(it['phase'])}, {int(it['size'])} bytes"]
        if int(it["base_sequence"]) >= 0:
            words.append(f"producer id {int(it['producer_id'])} epoch {int(it['producer_epoch'])} "
                         f"sequence {int(it['base_sequence'])}")
        if int(it["attempts"]):
            words.append(f"attempts {int(it['attempts'])}")
        words += [text for name, text in (("maybe_written", "possibly written"), ("compressing", "being compressed"),
                                          ("due", "due")) if it[name]]
        if int(it["withdrawn"]):
            words.append(f"{int(it['withdrawn'])} withdrawn")
        if int(it["open_pieces"]):
            words.append(f"split, {int(it['open_pieces'])} pieces")
        if it["root"]:
            words.append("a piece")
        return ": ".join((words[0], ", ".join(words[1:])))


class PartitionPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        it, producer = self.value, self.value["producer"]
        leader = text_of(it["leader"]["name"]) if it["leader"] else "none"
        text = f"{place_of(it)}: leader {leader} epoch {int(it['leader_epoch'])}"
        if int(producer["id"]) >= 0:
            text += (f", producer id {int(producer['id'])} epoch {int(producer['epoch'])}, "
                     f"next sequence {int(producer['next_sequence'])}")
            text += ", gap" if producer["gap"] else ""
            fault = enum_name(producer["fault"])
            text += f", epoch {fault}" if fault != "none" else ""
        opened = "1 open, " if it["open"] else ""
        return f"{text}; {opened}{int(it['queue']['size_'])} queued, {int(it['flights']['size_'])} in flight"


class TopicPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        it = self.value
        listed = int(it["partitions"]["listed_"])
        wanted = ", stale" if it["stale"] else ""
        return f"{text_of(it['name'])}: {enum_name(it['phase'])}, {listed} partitions, {int(it['held_back'])} records wait{wanted}"


class BrokerPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        it = self.value
        linked = "connected or connecting" if it["link"] else f"no connection, {int(it['failures'])} failures"
        return f"{text_of(it['name'])}: {enum_name(it['condition'])}, {linked}, {int(it['ready']['size_'])} partitions ready"


PRINTERS = {
    "batch": BatchPrinter,
    "partition_state": PartitionPrinter,
    "topic_state": TopicPrinter,
    "broker_node": BrokerPrinter,
    "waiting_lane": ListPrinter,
}


class Printers(gdb.printing.PrettyPrinter):
    def __call__(self, value):
        name = type_name(value.type)
        if not name.startswith("kurier::core::"):
            return None
        if name.startswith("kurier::core::intrusive_list<"):
            return ListPrinter(value)
        made = PRINTERS.get(name.removeprefix("kurier::core::"))
        return made(value) if made else None


gdb.printing.register_pretty_printer(None, Printers("kurier"), replace=True)
