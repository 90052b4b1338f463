# shellcheck shell=bash
# Shared by start and stop; sourced, never run.

# compose WORD…: docker compose for this project, or the program that LAKEWARD_COMPOSE names.
compose() {
  local words=(docker compose)
  [ -z "${LAKEWARD_COMPOSE:-}" ] || words=("$LAKEWARD_COMPOSE")
  "${words[@]}" --project-name lakeward --file compose.yml "$@"
}
