# A network of PyTorch's, judged: a state dict as it is, and an ONNX file, which brings its graph.
temper submit - --name source --wait <<END >/dev/null 2>&1
{"dataset": {"id": "digits"}, "model": {"layers": [{"type": "flatten"}, {"type": "linear", "units": 64}, {"type": "relu"}, {"type": "linear", "units": 10}]},
 "threat": {"norm": "linf", "epsilon": 0.1}, "training": {"epochs": 5}, "evaluation": {"samples": 100}}
END
temper download latest -o trained.safetensors
temper download latest --format onnx -o trained.onnx

# As PyTorch names what torch.nn.Sequential(Flatten(), Linear(64, 64), ReLU(), Linear(64, 10)) has, under the prefix of a wrapper, and nothing else.
python3 - <<'END'
import json, struct
raw = open("trained.safetensors", "rb").read()
size = struct.unpack("<Q", raw[:8])[0]
names = {f"module.{name}": entry for name, entry in json.loads(raw[8:8 + size]).items() if name != "__metadata__"}
print({name: entry["shape"] for name, entry in names.items()})
head = json.dumps(names).encode()
open("model.safetensors", "wb").write(struct.pack("<Q", len(head)) + head + raw[8 + size:])
END
weights=$(temper model upload model.safetensors --name mine)
cat > evaluate.json <<END
{
  "kind": "evaluate",
  "dataset": {"id": "digits"},
  "model": {"layers": [{"type": "flatten"}, {"type": "linear", "units": 64}, {"type": "relu"}, {"type": "linear", "units": 10}], "init": "$weights"},
  "threat": {"norm": "linf", "epsilon": 0.1},
  "gates": [{"metric": "robust_accuracy", "min": 0.2}]
}
END
temper submit evaluate.json --name from-state-dict --wait

# The same function as a graph: no architecture is named.
graph=$(temper model upload trained.onnx --name graph)
jq --arg init "$graph" '.model = {"init": $init}' evaluate.json > graph.json
temper submit graph.json --name from-onnx --wait | head -9
temper list

# Both come to the same figures.
temper list --json | jq -e '[.data[] | select(.name | startswith("from-")) | .result.figures.robust_accuracy.value] | length == 2 and .[0] == .[1]'

# What does not fit says which tensor.
jq '.model.layers[1].units = 32' evaluate.json > other.json
temper submit other.json && exit 1
true
