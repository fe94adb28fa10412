"""How `pgd_training.py` and `pgd_tensorflow.py` time the steps of one training, and what they print of it."""
import json
import resource
import time


def add_arguments(parser):
    parser.add_argument("--image", default="28,28,1", help="height,width,channels")
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--attack-steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3, help="steps to measure, after one that warms up")
    parser.add_argument("--seconds", type=float, default=120, help="no further step begins after so long, warming up included")


def measure(framework, options, step):
    """Prints the median rate of `step`, which returns the seconds that it took, and the peak memory of the process."""
    begun = time.perf_counter()
    step()
    times = [step()]
    while len(times) < options.steps and time.perf_counter() - begun < options.seconds:
        times.append(step())
    seconds = sorted(times)[len(times) // 2]
    print(json.dumps({
        "framework": framework, "examples_per_second": options.batch_size / seconds, "step_seconds": times,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
