"""Faust web views: the dashboard, the mesh's and the telemetry's API, health."""
