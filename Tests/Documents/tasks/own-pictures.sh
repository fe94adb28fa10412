# Own pictures in folders, to a data set, to a robust network, to its file.
python3 "$REPOSITORY/Tests/Documents/small_pictures.py" shapes
find shapes -type d | sort
tar -czf shapes.tar.gz -C shapes train test
temper dataset upload shapes.tar.gz --format images --name shapes
temper dataset show shapes
curl -fsS -o samples.png "$TEMPER_SERVER/v1/datasets/$(temper dataset show shapes --json | jq -r .id)/samples.png"

cat > shapes.json <<END
{
  "dataset": {"id": "$(temper dataset show shapes --json | jq -r .id)"},
  "model": {"architecture": "lenet"},
  "threat": {"norm": "linf", "epsilon": "24/255"},
  "gates": [{"metric": "robust_accuracy", "min": 0.7}, {"metric": "clean_accuracy", "min": 0.9}]
}
END
temper submit shapes.json --name shapes --gate
temper download latest -o shapes.safetensors
temper download latest --format onnx -o shapes.onnx
ls -l shapes.safetensors shapes.onnx

# The same without a service, from the folder itself.
jq '.dataset = {"path": "shapes", "format": "images"}' shapes.json > local.json
temper run local.json --out results
ls results results/checkpoints
