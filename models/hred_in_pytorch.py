"""A `hred` that `banter export RUN FOLDER --format tensors` wrote, as PyTorch modules.

    model = load("FOLDER")
    turns = [[17, 301, 22], [48, 9]]                 # ids of each turn, the oldest first, without marks
    log_probs = model.score(turns, [90, 12, 3])      # of each id of a reply, `eos` at its end
    ids = model.reply(turns)                         # the most probable token, again and again

Of one layer, one direction, a GRU over turns, no `word_attention`, `turn_positions` or `speakers`, untied:
what the defaults are; anything else is refused. Needs torch alone.
"""

import json
import os
import struct

import torch
from torch import nn

PLAIN = {"layers": 1, "bidirectional": False, "tied": False, "speakers": False, "encoder": "gru",
         "word_attention": False, "turn_positions": "none"}


def read_safetensors(path):
    """Tensors of 32-bit floats by name: a length (8 bytes), a JSON header, the bytes."""
    with open(path, "rb") as file:
        data = file.read()
    (size,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", f"{name}: {entry['dtype']}"
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32).reshape(entry["shape"])
    return tensors


class Attention(nn.Module):
    """Weights softmax_i v^T tanh(W h_i + Q query), and their sum of the h_i."""

    def __init__(self, hidden):
        super().__init__()
        self.memory_weight = nn.Parameter(torch.empty(hidden, hidden))
        self.query_weight = nn.Parameter(torch.empty(hidden, hidden))
        self.v = nn.Parameter(torch.empty(hidden))

    def forward(self, query, h):  # (H), (U,H) -> (H)
        keys = h @ self.memory_weight.t() + query @ self.query_weight.t()
        return (torch.tanh(keys) @ self.v).softmax(0) @ h


class Hred(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.special, o = config["special"], config["model"]
        assert o["type"] == "hred", o["type"]
        for key, value in PLAIN.items():
            assert o.get(key, value) == value, f"{key}: {o[key]}"
        E, H, V = o["embed_dim"], o["hidden_dim"], config["vocab_size"]
        self.kinds = {"none": [], "both": ["static", "dynamic"]}.get(o["attention"], [o["attention"]])
        self.how, self.gate_kind, self.asks_last = o["combine"], o["gate"], o["static_query"] == "last"
        self.embedding = nn.ModuleDict({"token": nn.Embedding(V, E)})
        self.encoder = nn.GRU(E, H)
        if o["context_rnn"] or not self.kinds:
            self.context_rnn = nn.GRU(H, H)
        for kind in self.kinds:
            setattr(self, kind + "_attention", Attention(H))
        if len(self.kinds) == 2 and self.how == "weighted":
            if self.gate_kind == "state":
                self.gate = nn.Linear(3 * H, 1, bias=False)
            else:
                self.share = nn.Parameter(torch.zeros(()))
        self.start = nn.Linear(H, H)
        width = 2 * H if len(self.kinds) == 2 and self.how == "concat" else H
        self.decoder = nn.GRUCell(E + width, H)
        self.output = nn.Linear(H, V)

    def read(self, turns):
        """h (U,H), what stays of the context for all tokens (H), and the first state (H)."""
        embed = self.embedding["token"]
        h = torch.cat([self.encoder(embed(torch.tensor(turn + [self.special["turn_end"]])))[1] for turn in turns])
        if hasattr(self, "context_rnn"):
            h = self.context_rnn(h)[0]
        fixed = h[-1]
        if "static" in self.kinds:
            fixed = self.static_attention(h[-1] if self.asks_last else h[0], h)
        return h, fixed, torch.tanh(self.start(h[-1]))

    def mix(self, c, c_t, s):
        if self.how == "concat":
            return torch.cat([c, c_t])
        if self.how == "weighted":
            share = torch.sigmoid(self.gate(torch.cat([c, c_t, s])) if self.gate_kind == "state" else self.share)
            return share * c + (1 - share) * c_t
        return {"sum": c + c_t, "mean": (c + c_t) / 2, "max": torch.maximum(c, c_t)}[self.how]

    def step(self, token, h, fixed, s):
        """Log-probabilities (V) of the token behind `token`, and the new state."""
        seen = fixed
        if "dynamic" in self.kinds:
            c_t = self.dynamic_attention(s, h)
            seen = self.mix(fixed, c_t, s) if "static" in self.kinds else c_t
        s = self.decoder(torch.cat([self.embedding["token"](torch.tensor(token)), seen]), s)
        return self.output(s).log_softmax(0), s

    @torch.no_grad()
    def score(self, turns, reply):
        h, fixed, s = self.read(turns)
        log_probs, token = [], self.special["bos"]
        for label in reply:
            row, s = self.step(token, h, fixed, s)
            log_probs.append(row[label].item())
            token = label
        return log_probs

    @torch.no_grad()
    def reply(self, turns, most=60):
        h, fixed, s = self.read(turns)
        ids, token = [], self.special["bos"]
        never = [i for name, i in self.special.items() if name not in ("eos", "unk")]
        while len(ids) < most:
            row, s = self.step(token, h, fixed, s)
            row[never if ids else never + [self.special["eos"]]] = float("-inf")
            token = int(row.argmax())
            if token == self.special["eos"]:
                break
            ids.append(token)
        return ids


def load(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        model = Hred(json.load(file))
    tensors = read_safetensors(os.path.join(folder, "model.safetensors"))
    # PyTorch numbers the layers of a GRU: encoder.weight_ih -> encoder.weight_ih_l0.
    of_gru = lambda name: name.split(".")[0] in ("encoder", "context_rnn")
    model.load_state_dict({name + "_l0" * of_gru(name): tensor for name, tensor in tensors.items()})
    return model.eval()
