"""A disk that is full, wherever it is full, ends a run in one clear line and loses nothing."""

import pytest
from trial import small_disk

KB = 1024
ROOM = {  # bytes that are left on the disk of the project, or of the cache
    "not even for the settings": ("project", 0),
    "for some steps but no checkpoint": ("project", 100 * KB),
    "for the training but not the registry": ("project", 710 * KB),
    "not even for the model's digest": ("cache", 0),
    "for some of the teacher's answers": ("cache", 40 * KB),
    "for the answers but not their soft targets": ("cache", 64 * KB),
}


@pytest.mark.parametrize(("part", "free"), ROOM.values(), ids=ROOM)
def test_a_full_disk_is_told_in_one_line_and_with_more_room_the_run_goes_on(trial, calm, tmp_path, part, free):
    with small_disk(tmp_path / "torn" / part) as leave:
        if leave is None:
            pytest.skip("a disk of its own needs the right to mount a tmpfs")
        one = trial("kd")
        leave(free)
        code, _, err = one.alone()
        assert code == 1, err
        assert "Traceback" not in err
        line = err.splitlines()[-1]
        assert line.startswith("error: ")
        assert f"{one.cache if part == 'cache' else one.project}/" in line
        assert "No space left on device" in line or "no room left" in line
        assert "run the same command again" in line
        assert "running" not in one.states()
        assert one.versions() == []
        leave(64 * KB * KB)
        assert one.whole() == calm("kd").outcome
