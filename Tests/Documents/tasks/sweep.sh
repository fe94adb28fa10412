# How much epsilon: six jobs of one spec, a table, the best by a rule.
cat > spec.json <<END
{"dataset": {"id": "digits"}, "model": {"architecture": "mlp"}, "threat": {"norm": "linf", "epsilon": 0.1}, "training": {"epochs": 5}, "evaluation": {"samples": 100}}
END
temper sweep spec.json --vary training.method=pgd,trades --vary seed=0,1,2 --wait
temper list --limit 3
curl -fsS "$TEMPER_SERVER/v1/sweeps" | jq -c '.data[0] | {id, best, front}'
