"""The model of the disk on traces written by hand, and the recorder on calls of every kind."""

import os
import subprocess
import sys
import tempfile
import unittest
from types import SimpleNamespace

from power import points, recording, trace
from power.disk import Disk
from power.trace import Kind, Operation, TraceError


def make(path, inode):
    return Operation(Kind.OPEN, path, inode=inode)


def put(path, inode, data, offset=0, flag=False):
    return Operation(Kind.WRITE, path, data, inode=inode, offset=offset, flag=flag)


def sync(path, inode=0):
    """Of a file, or of a folder when there is no inode."""
    return Operation(Kind.SYNC, path, inode=inode, flag=not inode)


def rename(path, target):
    return Operation(Kind.RENAME, path, target=target)


def folder(path):
    return Operation(Kind.MKDIR, path)


def remove(path):
    return Operation(Kind.UNLINK, path)


def whole(path, inode, data):
    """A file that is on the disk with its name in the outermost folder."""
    return [make(path, inode), put(path, inode, data), sync(path, inode), sync("")]


def after(*operations):
    disk = Disk()
    for operation in operations:
        disk.apply(operation)
    return disk


def left(disk, beside=None):
    """What a power loss leaves: paths and contents."""
    change = next((change for operation, change in disk.pending() if operation is beside), None)
    return {path: None if file is None else bytes(file.content(write)) for path, file, write in disk.image(change)}


class WhatWasSyncedIsLeft(unittest.TestCase):
    def test_a_file_whose_folder_was_not_synced_is_lost(self):
        self.assertEqual(left(after(make("a", 1), put("a", 1, b"x"), sync("a", 1))), {})

    def test_a_file_that_was_not_synced_is_empty(self):
        self.assertEqual(left(after(make("a", 1), put("a", 1, b"x"), sync(""))), {"a": b""})

    def test_a_file_that_was_synced_with_its_folder_is_left(self):
        self.assertEqual(left(after(*whole("a", 1, b"x"))), {"a": b"x"})

    def test_a_write_after_the_sync_is_lost(self):
        self.assertEqual(left(after(*whole("a", 1, b"xy"), put("a", 1, b"z"))), {"a": b"xy"})

    def test_a_cut_after_the_sync_is_lost(self):
        cut = Operation(Kind.RESIZE, "a", inode=1, offset=0)
        self.assertEqual(left(after(*whole("a", 1, b"xy"), cut)), {"a": b"xy"})
        self.assertEqual(left(after(*whole("a", 1, b"xy"), cut, sync("a", 1))), {"a": b""})

    def test_a_rename_without_a_sync_of_the_folder_is_lost(self):
        self.assertEqual(left(after(*whole("a", 1, b"x"), rename("a", "b"))), {"a": b"x"})

    def test_a_rename_is_left_when_the_folder_of_the_new_name_was_synced(self):
        start = [folder("in"), folder("out"), sync(""), make("in/a", 1), put("in/a", 1, b"x"), sync("in/a", 1), sync("in")]
        moved = after(*start, rename("in/a", "out/b"), sync("in"))
        self.assertEqual(left(moved), {"in": None, "out": None, "in/a": b"x"})
        moved.apply(sync("out"))
        self.assertEqual(left(moved), {"in": None, "out": None, "out/b": b"x"})

    def test_a_name_that_was_never_synced_is_no_hindrance_to_its_rename(self):
        moved = after(folder("in"), sync(""), make("in/a", 1), put("in/a", 1, b"x"), sync("in/a", 1), rename("in/a", "b"), sync(""))
        self.assertEqual(left(moved), {"in": None, "b": b"x"})

    def test_a_rename_over_a_file_leaves_the_old_content_or_the_new(self):
        replaced = after(*whole("a", 1, b"old"), make("new", 2), put("new", 2, b"new"), sync("new", 2), rename("new", "a"))
        self.assertEqual(left(replaced), {"a": b"old"})
        replaced.apply(sync(""))
        self.assertEqual(left(replaced), {"a": b"new"})

    def test_a_folder_that_its_parent_has_not_synced_is_lost_with_all_in_it(self):
        inside = [folder("f"), make("f/a", 1), put("f/a", 1, b"x"), sync("f/a", 1), sync("f")]
        self.assertEqual(left(after(*inside)), {})
        self.assertEqual(left(after(*inside, sync(""))), {"f": None, "f/a": b"x"})

    def test_a_removal_without_a_sync_of_the_folder_is_lost(self):
        removed = after(*whole("a", 1, b"x"), remove("a"))
        self.assertEqual(left(removed), {"a": b"x"})
        removed.apply(sync(""))
        self.assertEqual(left(removed), {})

    def test_an_inode_that_is_given_anew_is_another_file(self):
        again = after(*whole("a", 1, b"x"), remove("a"), make("b", 1), put("b", 1, b"y"))
        self.assertEqual(left(again), {"a": b"x"})

    def test_a_write_that_syncs_itself_is_left(self):
        self.assertEqual(left(after(*whole("a", 1, b"xy"), put("a", 1, b"z", 1, flag=True))), {"a": b"xz"})

    def test_a_sync_of_everything_syncs_everything(self):
        self.assertEqual(left(after(folder("f"), make("f/a", 1), put("f/a", 1, b"x"), Operation(Kind.SYNC_ALL))), {"f": None, "f/a": b"x"})


class OneThingMoreMayBeLeft(unittest.TestCase):
    def test_one_write_alone_leaves_zeros_before_it(self):
        second = put("a", 1, b"cd", 3)
        self.assertEqual(left(after(*whole("a", 1, b"x"), put("a", 1, b"ab", 1), second), second), {"a": b"x\0\0cd"})

    def test_one_rename_alone_brings_an_empty_file_when_the_content_was_not_synced(self):
        move = rename("new", "a")
        self.assertEqual(left(after(*whole("a", 1, b"old"), make("new", 2), put("new", 2, b"new"), move), move), {"a": b""})

    def test_what_was_synced_is_not_pending(self):
        self.assertEqual(after(*whole("a", 1, b"x")).pending(), [])

    def test_a_disk_is_known_by_its_contents(self):
        disk = after(*whole("a", 1, b"x"))
        before = disk.key()
        disk.apply(put("a", 1, b"y"))
        self.assertEqual(disk.key(), before)
        disk.apply(sync("a", 1))
        self.assertNotEqual(disk.key(), before)


class ATraceWithGapsIsRefused(unittest.TestCase):
    def test_a_call_that_cannot_be_followed(self):
        with self.assertRaisesRegex(TraceError, "mmap of a"):
            after(Operation(Kind.UNKNOWN, "a", b"mmap"))

    def test_the_shared_memory_of_a_database_is_passed_over(self):
        self.assertEqual(left(after(Operation(Kind.UNKNOWN, "db-shm", b"mmap"), make("db-shm", 1), sync(""))), {})

    def test_a_file_that_nobody_made(self):
        for operation in (put("a", 1, b"x"), rename("a", "b"), remove("f/a")):
            with self.assertRaises(TraceError):
                after(operation)

    def test_a_record_that_was_cut_off_is_left_out(self):
        with tempfile.NamedTemporaryFile() as file:
            record = trace.HEAD.pack(4, 1, Kind.WRITE, 0, 0, 0, 7, 3) + b"/d/a" + b"x"
            file.write(record + record[:-1])
            file.flush()
            self.assertEqual(trace.read(file.name, "/d"), [put("a", 7, b"x", 3)])


class EveryPointIsTried(unittest.TestCase):
    def setUp(self):
        answer = Operation(Kind.ANSWER)
        operations = [*whole("a", 1, b"x"), answer, remove("a"), answer, sync("")]
        exchanges = [SimpleNamespace(method=method, path="/v1/models") for method in ("POST", "DELETE")]
        self.found = points.find(SimpleNamespace(operations=operations, moments={0: 4, 1: 6}, exchanges=exchanges))

    def stretches(self, kind):
        return [
            (point.first, point.last, point.first_answered, point.last_answered) for point in self.found
            if (point.beside and point.beside.kind) is kind]

    def test_equal_disks_of_a_stretch_are_one_with_all_their_answers(self):
        self.assertEqual(self.stretches(None), [(0, 3, 0, 0), (4, 7, 0, 2), (8, 8, 2, 2)])

    def test_a_pending_change_is_of_the_points_after_it(self):
        # The name alone, with the content not yet synced, and synced.
        self.assertEqual(self.stretches(Kind.OPEN), [(1, 2, 0, 0), (3, 3, 0, 0)])
        # The removal, after the first answer: not together with the empty disk of the beginning.
        self.assertEqual(self.stretches(Kind.UNLINK), [(6, 7, 1, 2)])

    def test_what_is_acknowledged_is_always_tried(self):
        chosen = points.choose(self.found, every=100, sample=0, seed=0)
        self.assertEqual([point.first for point in chosen], [0, 4])


# Each kind of call that the recorder knows and Python can make, below the folder of the first argument.
CALLS = """
import os, sys, tempfile
os.chdir(sys.argv[1])
os.mkdir('f')
file = os.open('f/../f/a', os.O_CREAT | os.O_RDWR)
os.write(file, b'one'); os.writev(file, [b'two', b'three']); os.pwrite(file, b'T', 0); os.pwritev(file, [b'W', b'O'], 3)
os.ftruncate(file, 10); os.posix_fallocate(file, 0, 20); os.fsync(file)
other = os.dup(file); os.lseek(other, 0, os.SEEK_END); os.write(other, b'end'); os.fdatasync(other)
more = os.open('f/b', os.O_CREAT | os.O_WRONLY | os.O_APPEND)
os.write(more, b'b'); os.pwrite(more, b'c', 0)
copy = os.open('f/c', os.O_CREAT | os.O_WRONLY)
os.copy_file_range(file, copy, 5, 0); os.sendfile(copy, file, 0, 4); os.truncate('f/c', 7)
os.link('f/a', 'f/d'); os.rename('f/b', 'b'); os.unlink('f/d')
folder = os.open('f', os.O_RDONLY); os.mkdir('g', dir_fd=folder); os.rename('c', 'g/c', src_dir_fd=folder, dst_dir_fd=folder)
os.fsync(folder); os.mkdir('h'); os.rmdir('h')
tempfile.mkstemp(dir='.'); tempfile.mkdtemp(dir='.')
with open('b', 'w') as stream: stream.write('anew')
os.sync()
"""


class TheRecorderMissesNothing(unittest.TestCase):
    def test_the_trace_of_calls_of_every_kind_makes_the_same_folder(self):
        with tempfile.TemporaryDirectory() as scratch:
            scratch = os.path.realpath(scratch)
            root, file = os.path.join(scratch, "root"), os.path.join(scratch, "trace")
            os.mkdir(root)
            preload = {
                "LD_PRELOAD": recording.compiled(scratch), "TEMPER_RECORDER_TRACE": file, "TEMPER_RECORDER_FOLDER": root}
            subprocess.run([sys.executable, "-c", CALLS, root], check=True, env={**os.environ, **preload})
            operations = trace.read(file, root)
            disk = after(*operations)
            self.assertEqual(disk.tree(), recording.tree(root))
            self.assertEqual(left(disk), recording.tree(root))
            self.assertEqual(sum(operation.kind is Kind.SYNC for operation in operations), 3)


def run():
    """The exit status; the last line is `N passed, M failed`."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(sys.stderr).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 1 if failed else 0
