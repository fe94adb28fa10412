"""A disk as it is after a power loss: what had been synced, and perhaps one thing more.

The rules are strict. The content of a file is on the disk when the file was synced, a name when the folder that has it was synced.
A rename is one change: it is on the disk, with the old name gone, when the folder of the new name was synced.
"""

from power.trace import Kind, TraceError


class File:
    """`now` is what a process reads, `synced` what a power loss leaves; `pending` are the writes in between."""

    def __init__(self, number):
        self.number = number
        self.now = bytearray()
        self.synced = bytearray()
        self.pending = []
        # Counts the states of `synced`, so that two disks are compared without their bytes.
        self.version = 0

    def change(self, operation):
        apply(self.now, operation)
        if operation.kind is Kind.WRITE and operation.flag:
            # O_DSYNC puts this write on the disk, whatever came before it.
            apply(self.synced, operation)
            self.version += 1
        else:
            self.pending.append(operation)

    def sync(self):
        if self.pending:
            for operation in self.pending:
                apply(self.synced, operation)
            self.pending = []
            self.version += 1

    def content(self, beside=None):
        """The synced content; with `beside`, one pending write, as if that had reached the disk too."""
        if beside is None:
            return self.synced
        content = bytearray(self.synced)
        apply(content, beside)
        return content


def apply(content, operation):
    if operation.kind is Kind.WRITE:
        if operation.offset > len(content):
            content.extend(bytes(operation.offset - len(content)))
        content[operation.offset:operation.offset + len(operation.data)] = operation.data
    else:
        size = operation.offset if operation.kind is Kind.RESIZE else 0
        del content[size:]
        content.extend(bytes(size - len(content)))


class Folder:
    def __init__(self, number):
        self.number = number
        self.now = {}
        self.synced = {}


class Naming:
    """A change of names that no sync has put on the disk: `add` and `remove` are (folder, name, file or folder) or None."""

    def __init__(self, operation, home, add=None, remove=None):
        self.operation = operation
        # Whose sync puts it on the disk.
        self.home = home
        self.add = add
        self.remove = remove

    def key(self):
        """Equal as long as what gets a name is."""

        def of(thing):
            if isinstance(thing, File):
                return (thing.number, thing.version)
            return tuple((name, of(each)) for name, each in sorted(thing.synced.items()))

        return self.add and of(self.add[2])

    def apply(self, entries):
        """`entries` gives the names of a folder, to be changed."""
        if self.add:
            folder, name, thing = self.add
            entries(folder)[name] = thing
        if self.remove:
            folder, name, thing = self.remove
            if entries(folder).get(name) is thing:
                del entries(folder)[name]


class Disk:
    """What the operations of a trace make of an empty folder. The folder itself counts as synced."""

    # The shared memory of SQLite's WAL is written through a mapping, and made anew by whoever opens the database.
    IGNORED = "-shm"

    def __init__(self):
        self.count = 0
        self.root = self._numbered(Folder)
        # By inode. A number is given anew after its file is gone; then the file is made, which the trace shows.
        self.files = {}
        self.namings = []
        # Counts the states of the synced names, so that two disks are compared without them.
        self.names_version = 0
        self._named = None

    def _numbered(self, kind):
        self.count += 1
        return kind(self.count)

    # MARK: Following the trace

    def apply(self, operation):
        if operation.path.endswith(self.IGNORED):
            return
        if operation.kind is Kind.UNKNOWN:
            raise TraceError(f"{operation.data.decode()} of {operation.path} cannot be followed")
        handler = getattr(self, "_" + operation.kind.name.lower(), None)
        if handler:
            handler(operation)

    def _open(self, operation):
        folder, name = self._place(operation.path)
        known = folder.now.get(name)
        if known is None:
            file = self.files[operation.inode] = self._numbered(File)
            self._add(operation, folder, name, file)
        elif self.files.get(operation.inode) is not known:
            raise TraceError(f"{operation.path} is not the file that the trace made: an operation was not recorded")
        elif operation.flag:
            known.change(operation)

    def _write(self, operation):
        self._file(operation).change(operation)

    _resize = _write

    def _sync(self, operation):
        if operation.flag:
            self._sync_names(self._thing(operation.path))
        else:
            self._file(operation).sync()

    def _sync_all(self, _):
        for file in self.files.values():
            file.sync()
        self._sync_names(None)

    def _sync_names(self, home):
        """Those of one folder, or of all."""
        synced = [naming for naming in self.namings if home in (None, naming.home)]
        if not synced:
            return
        for naming in synced:
            naming.apply(lambda folder: folder.synced)
        self.namings = [naming for naming in self.namings if home not in (None, naming.home)]
        self.names_version += 1
        self._named = None

    def _mkdir(self, operation):
        if operation.path:
            self._add(operation, *self._place(operation.path), self._numbered(Folder))

    def _link(self, operation):
        self._add(operation, *self._place(operation.target), self._thing(operation.path))

    def _rename(self, operation):
        thing = self._thing(operation.path)
        folder, name = self._place(operation.target)
        self._change(Naming(operation, folder, (folder, name, thing), (*self._place(operation.path), thing)))

    def _unlink(self, operation):
        folder, name = self._place(operation.path)
        self._change(Naming(operation, folder, remove=(folder, name, self._thing(operation.path))))

    def _add(self, operation, folder, name, thing):
        self._change(Naming(operation, folder, add=(folder, name, thing)))

    def _change(self, naming):
        naming.apply(lambda folder: folder.now)
        self.namings.append(naming)

    def _thing(self, path):
        thing = self.root
        for name in path.split("/") if path else []:
            thing = thing.now.get(name) if isinstance(thing, Folder) else None
            if thing is None:
                raise TraceError(f"{path} is not there: an operation was not recorded")
        return thing

    def _place(self, path):
        folder, _, name = path.rpartition("/")
        return self._thing(folder), name

    def _file(self, operation):
        if operation.inode not in self.files:
            raise TraceError(f"the file of {operation.path} is not known: an operation was not recorded")
        return self.files[operation.inode]

    # MARK: After the power loss

    def pending(self):
        """What could have reached the disk without a sync: (operation, what to give `image`) of each."""
        writes = ((operation, (file, operation)) for file in self.files.values() for operation in file.pending)
        names = ((naming.operation, (naming, None)) for naming in self.namings)
        return [*writes, *names]

    def image(self, beside=None):
        """The disk as (path, file, pending write or None), folders with file None, sorted: what was synced, and `beside`."""
        changed, operation = beside or (None, None)
        copies = {}

        def entries(folder):
            return copies.setdefault(folder.number, dict(folder.synced))

        if isinstance(changed, Naming):
            changed.apply(entries)
        found = []

        def walk(folder, prefix):
            for name, thing in sorted(copies.get(folder.number, folder.synced).items()):
                path = prefix + name
                if isinstance(thing, Folder):
                    found.append((path, None, None))
                    walk(thing, path + "/")
                else:
                    found.append((path, thing, operation if thing is changed else None))

        walk(self.root, "")
        return found

    def key(self):
        """Equal as long as the disk with what was synced is."""
        return (self.names_version, tuple((file.number, file.version) for file in self.synced_files()))

    def synced_files(self):
        """The files that a synced name leads to; found anew only after synced names changed."""
        if self._named is None:
            self._named = [file for _, file, _ in self.image() if file]
        return self._named

    def tree(self):
        """The paths and contents as the process saw them last; None for a folder."""
        found = {}

        def walk(folder, prefix):
            for name, thing in folder.now.items():
                if isinstance(thing, Folder):
                    found[prefix + name] = None
                    walk(thing, prefix + name + "/")
                else:
                    found[prefix + name] = bytes(thing.now)

        walk(self.root, "")
        return found
