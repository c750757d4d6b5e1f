from terp.cloud.hosts.appearance import cpuinfo, meminfo

MEMINFO = """\
MemTotal:       24685288 kB
MemFree:        20000000 kB
MemAvailable:   22000000 kB
SwapTotal:       1048576 kB
HugePages_Total:       8
Hugepagesize:       2048 kB
"""
CPUINFO = "processor\t: 0\nmodel name\t: Fast\nsiblings\t: 8\ncore id\t\t: 0\ncpu cores\t: 8\n\n"
CPUINFO += CPUINFO.replace(": 0", ": 1")


def test_memory_is_that_of_the_flavor_in_the_kernels_form() -> None:
    fields = dict(line.split(":") for line in meminfo(512, MEMINFO).splitlines())
    assert fields["MemTotal"].split() == ["524288", "kB"]
    assert fields["MemAvailable"].split() == ["524288", "kB"]
    assert fields["SwapTotal"].split() == ["0", "kB"]
    assert fields["HugePages_Total"].split() == ["0"]
    assert fields["Hugepagesize"].split() == ["2048", "kB"]


def test_cpus_are_as_many_as_the_flavor_has() -> None:
    text = cpuinfo(3, CPUINFO)
    assert [line for line in text.splitlines() if line.startswith("processor")] == [
        f"processor\t: {number}" for number in range(3)
    ]
    assert text.count("cpu cores\t: 3") == 3
    assert text.count("model name\t: Fast") == 3
    assert text.endswith("\n\n")
