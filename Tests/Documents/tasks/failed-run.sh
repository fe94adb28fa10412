# A job that fails: why, what happened to it, and again.
cat > spec.json <<END
{
  "name": "too-short",
  "dataset": {"id": "digits"},
  "model": {"architecture": "lenet"},
  "threat": {"norm": "linf", "epsilon": 0.15},
  "resources": {"max_seconds": 1}
}
END
code=0; temper submit spec.json --wait || code=$?
test "$code" = 1
temper status latest
temper logs latest | tail -3
temper report latest && exit 1
temper list

# Again without the limit, from the beginning; or from where it stood.
failed=$(temper status latest --json | jq -r .id)
temper rerun "$failed" --set resources.max_seconds=null --set training.epochs=3 --name longer --wait | head -9
temper resume "$failed" && temper status latest | head -1
temper cancel latest

# What cannot run at all says where in the file.
sed 's/"epsilon"/"epsilom"/' spec.json > wrong.json
temper submit wrong.json && exit 1
printf '{\n  "dataset": {"id": "digits"},\n}\n' > broken.json
temper submit broken.json && exit 1
true
