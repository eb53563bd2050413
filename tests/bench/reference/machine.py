"""What stands above every table: the machine, and how busy it is."""

import os


def machine_line():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return (f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} "
            "(over a minute, before these runs)")
