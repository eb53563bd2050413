#!/usr/bin/env python3
"""HRED, seq2seq, a Transformer and a stack of decoders in plain PyTorch: what banter's speed and
numbers are compared with.

The same models as models/hred.h and models/seq2seq.h (in recurrent_reference.py),
models/transformer.h (in transformer_reference.py) and models/stack_propagation.h (in
stack_reference.py), with the same parameter names, written the way one writes them in Python: nn.GRU
over packed turns, one example a row (a turn is encoded again for every reply that reads it), a loop
over nn.GRUCell with batched attention, cross entropy over the packed labels, fused AdamW. Nothing
here is imported by the product.

Needs torch 2.15, numpy and safetensors. Batches come from a file that banter writes, so that both
programs see the very same examples (reference_batches.py). They are laid out one example a row before
the clock starts.

    hred_reference.py train  BATCHES [--steps N] [--valid BATCHES --every N --target PPL] [--profile]
    hred_reference.py decode BATCHES --batch 32 [--weights model.safetensors] [--replies N]
    hred_reference.py score  BATCHES --weights model.safetensors [--expected SCORES] [--out SCORES]

`train` prints a JSON line with reply tokens and replies a second (and one a validation; with
`--profile` the share of its time in matrix products, and of the machine's peak), `decode`
one with tokens a second, `score` one with the summed log-probability in float64 and, given
`--expected` (a safetensors file of N.log_probs (B,S) float64, zeros where nothing is counted), the
largest difference. Sizes are read from `--weights` where it is given.
"""

import argparse
import json
import random
import resource
import sys
import time

import torch
import torch.nn.functional as F
from reference_batches import read_batches, rows_of
from reference_models import build, label_logits, losses
from safetensors.torch import load_file, save_file
from torch import nn

BOS, EOS = 2, 3


def batches_of(path, args):
    batches = read_batches(path, join=args.model != "hred", limit=args.limit)
    return [batch.to(args.device) for batch in batches]


def wait_for(device):
    """Until the work that was given to a GPU is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def perplexity(model, batches):
    model.eval()
    nll, count = 0.0, 0
    with torch.no_grad():
        for batch in batches:
            logits, labels = label_logits(model, batch)
            nll += F.cross_entropy(logits, labels, reduction="sum").item()
            count += len(labels)
    model.train()
    return float(torch.tensor(nll / count, dtype=torch.double).exp())


def peak_operations_per_second(size=2048, tries=12):
    """Of one large product with the threads that are set: the best of several."""
    a, b, out = torch.rand(size, size), torch.rand(size, size), torch.empty(size, size)
    took = []
    for _ in range(tries):
        began = time.perf_counter()
        torch.mm(a, b, out=out)
        took.append(time.perf_counter() - began)
    return 2 * size**3 / min(took)


def profile(work, seconds):
    """The share of `work`'s time in matrix products, and their rate in the `seconds` that it took
    without the profiler, which slows so many small operations down."""
    cpu = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=cpu, record_shapes=True, with_flops=True) as profiler:
        work()
    events = profiler.key_averages()
    products = [e for e in events if e.key in ("aten::mm", "aten::addmm", "aten::addmm_", "aten::bmm")]
    operations = sum(e.flops for e in products)
    peak = peak_operations_per_second()
    return {
        "share_of_time_in_products": sum(e.self_cpu_time_total for e in products)
        / sum(e.self_cpu_time_total for e in events),
        "gflops": operations / seconds * 1e-9,
        "peak_gflops": peak * 1e-9,
        "share_of_peak": operations / seconds / peak,
    }


def train(args):
    model = build(args).to(args.device).train()
    batches = batches_of(args.batches, args)
    valid = batches_of(args.valid, args) if args.valid else None
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=args.lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )

    def rate(step):  # step from 0: linear warm-up, then inverse square root
        s, w = step + 1, max(args.warmup_steps, 1)
        return min(s / w, (w / s) ** 0.5)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    shuffler = random.Random(args.seed)
    order = list(range(len(batches)))
    seconds, used, tokens, replies, measured, loss_sum = 0.0, 0.0, 0, 0, 0, 0.0

    def update(batch):
        optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for loss in losses(model, batch):
            loss.backward()
            total += loss.detach()
        nn.utils.clip_grad_norm_(model.parameters(), args.clip_norm)
        optimizer.step()
        schedule.step()
        return total

    for step in range(args.steps):
        if step > 0 and step % len(batches) == 0:
            shuffler.shuffle(order)  # the first pass keeps the order of the file
        batch = batches[order[step % len(batches)]]
        began, processor_began = time.perf_counter(), time.process_time()
        loss = update(batch)
        wait_for(args.device)
        took, processor_took = time.perf_counter() - began, time.process_time() - processor_began
        loss_sum += loss.item()
        if step >= args.skip_steps:
            seconds += took
            used += processor_took
            tokens += batch.label_count
            replies += len(batch.labels)
            measured += 1
        if valid and (step + 1) % args.every == 0:
            ppl = perplexity(model, valid)
            print(json.dumps({"step": step + 1, "minutes": seconds / 60, "valid_ppl": ppl}), flush=True)
            if args.target and ppl <= args.target:
                break
    answer = {
        "mode": "train",
        "threads": torch.get_num_threads(),
        "steps": measured,
        "seconds": seconds,
        "reply_tokens_per_second": tokens / max(seconds, 1e-9),
        "replies_per_second": replies / max(seconds, 1e-9),
        "processor_seconds": used,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "mean_loss": loss_sum / max(step + 1, 1),
        "last_loss": loss.item(),
    }
    if args.profile:
        timed = batches[args.skip_steps : args.steps]  # the first pass keeps their order
        answer["profile"] = profile(lambda: [update(batch) for batch in timed], seconds)
    print(json.dumps(answer))


@torch.inference_mode()
def greedy(model, batch, max_new_tokens):
    """Token ids of each reply, eos included; rows that ended run on until all have."""
    memory = model.encode(batch)
    B = len(batch.labels)
    s = memory["state"]
    ids = torch.full((B,), BOS, device=s.device)
    ended = torch.zeros(B, dtype=torch.bool, device=s.device)
    written = []
    for t in range(max_new_tokens):
        s = model.step(model.embedding(ids), s, memory)
        logits = model.output(s)
        if t == 0:
            logits[:, EOS] = float("-inf")  # at least one token
        ids = logits.argmax(1)
        written.append(torch.where(ended, -1, ids))
        ended |= ids == EOS
        if ended.all():
            break
    return [[i for i in row if i >= 0] for row in torch.stack(written, 1).tolist()]


def decode(args):
    model = build(args).to(args.device).eval()
    batches = batches_of(args.batches, args)
    parts = [
        rows_of(batch, first, args.batch)
        for batch in batches
        for first in range(0, len(batch.labels), args.batch)
    ]
    parts = [part for part in parts if len(part.labels) == args.batch]
    parts = parts[: max(args.replies // args.batch, 1)]
    if not parts:
        sys.exit(f"{args.batches}: no batch has {args.batch} replies")
    greedy(model, parts[0], args.max_new_tokens)  # warm up
    tokens, began = 0, time.perf_counter()
    for part in parts:
        tokens += sum(len(reply) for reply in greedy(model, part, args.max_new_tokens))
    seconds = time.perf_counter() - began
    print(
        json.dumps(
            {
                "mode": "decode",
                "threads": torch.get_num_threads(),
                "batch": args.batch,
                "replies": len(parts) * args.batch,
                "tokens": tokens,
                "seconds": seconds,
                "tokens_per_second": tokens / seconds,
            }
        )
    )


@torch.inference_mode()
def score(args):
    model = build(args).to(args.device).eval().double()
    scores = {}
    for n, batch in enumerate(batches_of(args.batches, args)):
        logits, labels = label_logits(model, batch)
        flat = logits.log_softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1)
        table = torch.zeros(batch.labels.shape, dtype=torch.double, device=args.device)
        for t, part in enumerate(flat.split(batch.live)):
            table[: len(part), t] = part
        scores[f"{n}.log_probs"] = table
    answer = {
        "mode": "score",
        "model": args.model,
        "attention": args.attention,
        "log_prob": sum(float(table.sum()) for table in scores.values()),
    }
    if args.expected:
        expected = load_file(args.expected)
        answer["largest_difference"] = max(
            float((table - expected[name]).abs().max()) for name, table in scores.items()
        )
    if args.out:
        save_file(scores, args.out)
    print(json.dumps(answer))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=["train", "decode", "score"])
    parser.add_argument("batches", help="safetensors file of batches")
    parser.add_argument("--limit", type=int, help="read so many batches of the file")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"),
                        help="cpu or cuda; batches are there before the clock starts")
    parser.add_argument("--seed", type=int, default=1)
    model = parser.add_argument_group("model (sizes are those of --weights when it is given)")
    model.add_argument("--weights", help="model.safetensors of a banter checkpoint")
    model.add_argument("--model", default="hred",
                       choices=["hred", "seq2seq", "transformer", "stack_propagation"])
    model.add_argument("--vocab", type=int, default=8000)
    model.add_argument("--embed-dim", type=int, default=256)
    model.add_argument("--hidden-dim", type=int, default=512)
    model.add_argument("--dim", type=int, default=256, help="of Transformers, with the next eight")
    model.add_argument("--heads", type=int, default=4)
    model.add_argument("--ffn-dim", type=int, default=1024)
    model.add_argument("--encoder-layers", type=int, default=3)
    model.add_argument("--decoder-layers", type=int, default=3)
    model.add_argument("--consistency-layers", type=int, default=3)
    model.add_argument("--consistency-weight", type=float, default=1.0)
    model.add_argument("--pair-weight", type=float, default=1.0)
    model.add_argument("--entailed-share", type=float, default=0.6)
    model.add_argument("--dropout", type=float, default=0.1)
    model.add_argument("--attention", default="both", choices=["none", "static", "dynamic", "both"])
    model.add_argument(
        "--combine", default="concat", choices=["concat", "sum", "weighted", "max", "mean"]
    )
    model.add_argument("--gate", default="fixed", choices=["fixed", "state"])
    model.add_argument("--static-query", default="last", choices=["last", "first"])
    model.add_argument("--context-rnn", action="store_true")
    model.add_argument("--speakers", action="store_true")
    training = parser.add_argument_group("train")
    training.add_argument("--steps", type=int, default=30)
    training.add_argument("--skip-steps", type=int, default=0, help="not timed, at the start")
    training.add_argument("--lr", type=float, default=0.001)
    training.add_argument("--warmup-steps", type=int, default=200)
    training.add_argument("--clip-norm", type=float, default=1.0)
    training.add_argument("--valid", help="batches to validate on")
    training.add_argument("--every", type=int, default=100, help="steps between validations")
    training.add_argument("--profile", action="store_true", help="where the time goes")
    training.add_argument("--target", type=float, help="end at this validation perplexity")
    decoding = parser.add_argument_group("decode")
    decoding.add_argument("--batch", type=int, default=1, help="replies decoded together")
    decoding.add_argument("--replies", type=int, default=64)
    decoding.add_argument("--max-new-tokens", type=int, default=60)
    scoring = parser.add_argument_group("score")
    scoring.add_argument("--expected", help="safetensors file to compare with")
    scoring.add_argument("--out", help="safetensors file to write")
    args = parser.parse_args()
    if args.device.type != "cpu" and args.model not in ("hred", "seq2seq"):
        parser.error("--device: Transformers make their masks on the CPU")
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    {"train": train, "decode": decode, "score": score}[args.mode](args)


if __name__ == "__main__":
    main()
