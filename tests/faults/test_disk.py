"""A full disk ends a run with one line of error and loses no data."""

import pytest
from fault_projects import small_disk

KB = 1024
FREE = {  # bytes left on the disk of the project, or of the cache
    "too little for the settings": ("project", 0),
    "enough for some steps but no checkpoint": ("project", 100 * KB),
    "enough for training but not the registry": ("project", 710 * KB),
    "too little for the model's digest": ("cache", 0),
    "enough for some of the teacher's answers": ("cache", 40 * KB),
    "enough for the answers but not their soft targets": ("cache", 64 * KB),
}


@pytest.mark.parametrize(("part", "free"), FREE.values(), ids=FREE)
def test_a_full_disk_is_reported_in_one_line_and_the_run_resumes_with_more_space(
    make_project, undisturbed, tmp_path, part, free
):
    with small_disk(tmp_path / "faulty" / part) as set_free:
        if set_free is None:
            pytest.skip("mounting a tmpfs is not permitted")
        one = make_project("kd")
        set_free(free)
        code, _, err = one.run_process()
        assert code == 1, err
        assert "Traceback" not in err
        line = err.splitlines()[-1]
        assert line.startswith("error: ")
        assert f"{one.cache if part == 'cache' else one.project}/" in line
        assert "No space left on device" in line or "no room left" in line
        assert "run the same command again" in line
        assert "running" not in one.states()
        assert one.versions() == []
        set_free(64 * KB * KB)
        assert one.complete() == undisturbed("kd").outcome
