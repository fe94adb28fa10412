# Two runs of different methods, compared: where their specs differ, and whether the difference may be chance.
cat > spec.json <<END
{"dataset": {"id": "digits"}, "model": {"architecture": "mlp"}, "threat": {"norm": "linf", "epsilon": 0.15}, "training": {"epochs": 8}}
END
temper submit spec.json --name first --wait 2>/dev/null | head -9
temper rerun latest --name second --set training.method=trades --wait 2>/dev/null | head -9
temper list
first=$(temper list --json | jq -r '.data[] | select(.name == "first").id')
temper compare "$first" latest
temper compare "$first" latest --json | jq -e '.paired.robust_accuracy.p <= 1'
