#!/usr/bin/env python3
"""Checks that includes follow the maps in the READMEs.

A map is a table with the header `| folder | what it is | may use |`. The one in README.md names the layers. The ones in
<layer>/README.md name the folders of a layer, and single files that other folders share. Each may include what its row
names, and what those may include.

    tools/check_layers.py [ROOT]      exit code 0: clean; 1: faults, one a line; 2: a map is missing or wrong
"""

import os
import re
import sys

HEADER = "| folder | what it is | may use |"
SOURCE_ENDINGS = (".cpp", ".h")
LAYERS_WITH_FOLDERS = ("db", "query", "net")


class MapError(Exception):
    pass


def read_map(path):
    """{folder: [folders that it may use]}, in the order of the table."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if HEADER not in lines:
        raise MapError(f"{path}: has no table with the header: {HEADER}")
    rooms = {}
    for line in lines[lines.index(HEADER) + 2:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.findall(r"`([^`]+)`", cells[0])
        if len(cells) != 3 or len(names) != 1:
            raise MapError(f"{path}: a row needs three cells and one folder in the first: {line}")
        rooms[names[0].rstrip("/")] = [name.rstrip("/") for name in re.findall(r"`([^`]+)`", cells[2])]
    for room, used in rooms.items():
        for name in used:
            if name not in rooms:
                raise MapError(f"{path}: `{room}` may use `{name}`, which has no row")
    find_cycle(path, rooms)
    return rooms


def find_cycle(path, rooms):
    done = set()

    def visit(room, trail):
        if room in trail:
            circle = " -> ".join(trail[trail.index(room):] + [room])
            raise MapError(f"{path}: the map goes in a circle: {circle}")
        if room in done:
            return
        for used in rooms[room]:
            visit(used, trail + [room])
        done.add(room)

    for room in rooms:
        visit(room, [])


def closure(rooms, room):
    found = set()
    pending = [room]
    while pending:
        for used in rooms[pending.pop()]:
            if used not in found:
                found.add(used)
                pending.append(used)
    return found


def room_of(path, rooms):
    """The longest entry of the map that holds the file; None when no entry does."""
    candidates = [room for room in rooms if path == room or path.startswith(room + "/")]
    # A source belongs to the row of its header.
    header = re.sub(r"\.cpp$", ".h", path)
    if header in rooms:
        candidates.append(header)
    return max(candidates, key=len, default=None)


def includes_of(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if match:
                yield number, match.group(1)


def sources(root, layers):
    for layer in layers:
        for folder, _, names in os.walk(os.path.join(root, layer)):
            for name in sorted(names):
                if name.endswith(SOURCE_ENDINGS):
                    yield os.path.relpath(os.path.join(folder, name), root)


def check(root):
    layers = read_map(os.path.join(root, "README.md"))
    maps = {layer: read_map(os.path.join(root, layer, "README.md")) for layer in LAYERS_WITH_FOLDERS}
    faults = []
    for path in sources(root, sorted({room.split("/")[0] for room in layers} - {"tests"})):
        own_layer = room_of(path, layers)
        own_map = maps.get(path.split("/")[0])
        own_room = room_of(path, own_map) if own_map else None
        if own_map and own_room is None:
            faults.append(f"{path}: its folder has no row in the map of {path.split('/')[0]}/README.md")
            continue
        for number, included in includes_of(os.path.join(root, path)):
            layer = room_of(included, layers)
            if layer is None:  # generated, or beside the file
                continue
            if layer != own_layer and layer not in closure(layers, own_layer):
                faults.append(f"{path}:{number}: includes {included}, but {own_layer} may not use {layer} (README.md)")
                continue
            if own_map is None or included.split("/")[0] != path.split("/")[0]:
                continue
            room = room_of(included, own_map)
            if room != own_room and room not in closure(own_map, own_room):
                faults.append(f"{path}:{number}: includes {included}, but {own_room} may not use {room} "
                              f"({path.split('/')[0]}/README.md)")
    return faults


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    try:
        faults = check(root)
    except (MapError, OSError) as error:
        print(f"check_layers: {error}", file=sys.stderr)
        return 2
    print("\n".join(faults) if faults else "check_layers: every include follows the maps")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
