# From a fresh clone to a gate in CI: the repository's action on a step of its own, a gate that passes, and one that stops the pipeline.
git clone -q --depth 1 "file://$REPOSITORY" project
cd project
ls
sed -n '/steps:/,$p' deploy/ci/action.yml

# What the step of the action runs, with the file in which GitHub collects a summary.
export GITHUB_STEP_SUMMARY=$PWD/summary.md
temper validate config/recipes/digits-pgd.json | tail -7
temper submit config/recipes/digits-pgd.json --label branch=main --wait >/dev/null
temper gate latest --spec config/recipes/digits-pgd.json --junit junit.xml --sarif temper.sarif
head -5 summary.md
grep -o '<testcase[^>]*>' junit.xml
jq -c '.runs[0].results | length' temper.sarif

# The same job asked for more than it reaches: exit code 3, and the alert stands on the line of the gate.
jq '.gates = [{"metric": "robust_accuracy", "min": 0.99}]' config/recipes/digits-pgd.json > strict.json
code=0; temper submit strict.json --gate || code=$?
test "$code" = 3
temper gate latest --spec strict.json --sarif strict.sarif && exit 1
jq -c '.runs[0].results[] | [.ruleId, .locations[0].physicalLocation.region.startLine]' strict.sarif
