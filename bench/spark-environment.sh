# Sourced by benchmarks that run Spark: installs the peers and Spark into bench/.work, once, and exports where they are.
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/library.sh"

spark_version=4.2.0
spark_sha256=5ad689d53570ee1674193fd4f9bda065f0db3be9363a27d2a3406cc457b70b61

need_packages python3 python3-venv python3-pip ca-certificates openjdk-17-jre-headless
mkdir -p bench/.work
exec 9>bench/.work/lock
flock 9
make_environment bench/.work/python scripts/requirements/bench.txt "the benchmark's peers"

# pip would build a second archive of 450 MB out of Spark's; its folder works as it is.
spark=$root/bench/.work/spark-$spark_version
if [ ! -e "$spark/complete" ]; then
  say "fetching Spark $spark_version (450 MB)"
  rm -rf "$spark"
  mkdir -p "$spark"
  "$python" scripts/fetch-source.py pyspark "$spark_version" "$spark_sha256" "$spark" >"$spark/log" 2>&1 ||
    pip_failed "$spark/log" "Spark"
  tar -xzf "$spark/pyspark-$spark_version.tar.gz" -C "$spark" --no-same-owner --strip-components=1
  rm "$spark/pyspark-$spark_version.tar.gz"
  for part in bin jars sbin; do
    [ -e "$spark/deps/$part" ] && ln -sfn "../deps/$part" "$spark/pyspark/$part"
  done
  touch "$spark/complete"
fi

export SPARK_HOME=$spark/pyspark PYTHONPATH=$spark
export PYSPARK_PYTHON=$root/bench/.work/python/bin/python
