# Where results go: a leaderboard, a table, TensorBoard, PyTorch.
for method in pgd fgsm; do
  temper submit - --name "$method" --set "training.method=$method" --wait <<END >/dev/null 2>&1
{"dataset": {"id": "digits"}, "model": {"architecture": "mlp"}, "threat": {"norm": "linf", "epsilon": 0.1}, "training": {"epochs": 5}, "evaluation": {"samples": 200}}
END
done
curl -fsS "$TEMPER_SERVER/v1/leaderboard?dataset=digits&norm=linf&epsilon=0.1" -H 'Accept: text/csv'
curl -fsS "$TEMPER_SERVER/v1/jobs/$(temper status latest --json | jq -r .id)/metrics" -H 'Accept: text/csv' | head -3
temper report latest --format csv | head -5
temper export latest --tensorboard board
find board -type f

# The file that makes a PyTorch module of a checkpoint; torch and safetensors are needed to use it.
curl -fsSO "$TEMPER_SERVER/client/temper_load.py"
temper download latest -o robust.safetensors
if python3 -c 'import torch, safetensors' 2>/dev/null; then
  python3 -c 'import temper_load; print(temper_load.load("robust.safetensors"))'
else
  python3 -m py_compile temper_load.py && echo "torch is not here: not loaded"
fi
temper open latest
