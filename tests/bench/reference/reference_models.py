"""The models of hred_reference.py by their names: how they are built, start, and are asked for logits
and losses.
"""

import torch
import torch.nn.functional as F
from recurrent_reference import Embedding, Hred, Seq2Seq
from safetensors.torch import load_file
from stack_reference import StackPropagation
from torch import nn
from transformer_reference import Transformer


def start_parameters(model):
    """Xavier matrices, orthogonal recurrent gates, zero biases, normal embeddings."""
    for name, p in model.named_parameters():
        if name.endswith(("token.weight", "speaker.weight")):
            nn.init.normal_(p, std=p.shape[1] ** -0.5)
            p.data[0].zero_()
        elif "weight_hh" in name:
            for gate in p.data.chunk(3):
                nn.init.orthogonal_(gate)
        elif "weight_ih" in name:
            for gate in p.data.chunk(3):
                nn.init.xavier_uniform_(gate)
        elif "norm." in name:
            nn.init.constant_(p, float(name.endswith("weight")))
        elif p.dim() == 2:
            nn.init.xavier_uniform_(p)
        elif name.endswith(".v"):
            nn.init.xavier_uniform_(p.data.unsqueeze(0))
        else:
            nn.init.zeros_(p)


# nn.GRU names the weights of its only layer with a suffix, banter without.
def own_name(name):
    for rnn in ("encoder.", "context_rnn."):
        if name.startswith(rnn):
            return name + "_l0"
    return name


def layers_of(weights, stack):
    return len({name.split(".")[1] for name in weights if name.startswith(stack + ".")} - {"norm"})


def build_transformer(args, weights):
    if weights:
        args.vocab, args.dim = weights["embedding.token.weight"].shape
        args.ffn_dim = weights["decoder.0.feed_forward.in.weight"].shape[0]
        args.encoder_layers = layers_of(weights, "encoder")
        args.decoder_layers = layers_of(weights, "decoder")
        args.consistency_layers = layers_of(weights, "consistency")
        args.speakers = "embedding.speaker.weight" in weights
    torch.manual_seed(args.seed)
    kind = StackPropagation if args.model == "stack_propagation" else Transformer
    model = kind(args, Embedding(args.vocab, args.dim, args.speakers, dropout=0.0))
    start_parameters(model)
    if weights:
        weights["output_layer.bias"] = weights.pop("output.bias")  # `output` takes a state
        model.load_state_dict(weights)
    return model


def build(args):
    weights = load_file(args.weights) if args.weights else None
    if args.model in ("transformer", "stack_propagation"):
        return build_transformer(args, weights)
    if weights:
        args.vocab, args.hidden_dim = weights["output.weight"].shape
        args.embed_dim = weights["embedding.token.weight"].shape[1]
        args.speakers = "embedding.speaker.weight" in weights
        args.model = "seq2seq" if "attention.v" in weights else "hred"
        args.context_rnn = "context_rnn.weight_hh" in weights
        has = [name for name in ("static", "dynamic") if f"{name}_attention.v" in weights]
        args.attention = "both" if len(has) == 2 else has[0] if has else "none"
        args.gate = "state" if "gate.weight" in weights else "fixed"
    torch.manual_seed(args.seed)
    model = Seq2Seq(args) if args.model == "seq2seq" else Hred(args)
    if weights:
        model.load_state_dict({own_name(name): value for name, value in weights.items()})
    else:
        start_parameters(model)
    return model


def label_logits(model, batch):
    """Logits (P,V) and labels (P) of the counted labels, step by step.

    Rows that ended leave when half of them have: narrowing the memory at every step would cost a
    gradient of its whole size for each token.
    """
    if hasattr(model, "label_logits"):
        return model.label_logits(batch)
    memory = model.encode(batch)
    inputs = model.embedding(batch.decoder_input).unbind(1)
    pack = lambda rows: torch.cat([rows[:n, t] for t, n in enumerate(batch.live)])
    s, states, rows = memory["state"], [], len(batch.labels)
    for t, live in enumerate(batch.live):
        if live <= rows // 2:
            rows, s = live, s[:live]
            memory = {name: value[:live] for name, value in memory.items()}
        s = model.step(inputs[t][:rows], s, memory)
        states.append(s[:live])
    labels = pack(batch.labels)
    return model.output(model.dropout(torch.cat(states))), labels


def losses(model, batch):
    """What is learned from a batch, as parts with graphs of their own."""
    if hasattr(model, "losses"):
        yield from model.losses(batch)
    else:
        yield F.cross_entropy(*label_logits(model, batch))
