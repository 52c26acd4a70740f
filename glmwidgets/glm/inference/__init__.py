"""From statistics to findings: p and z, thresholds, clusters, bounds on true discoveries."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "Autocorrelation": "glmwidgets.glm.inference.cluster_tables",
    "CLUSTER_METHODS": "glmwidgets.glm.inference.random_fields",
    "Cluster": "glmwidgets.glm.inference.clusters",
    "ClusterForest": "glmwidgets.glm.inference.adaptive",
    "ClusterTable": "glmwidgets.glm.inference.cluster_tables",
    "Lattice": "glmwidgets.glm.inference.cluster_stats",
    "Peak": "glmwidgets.glm.inference.clusters",
    "RandomField": "glmwidgets.glm.inference.random_fields",
    "SMOOTHNESS": "glmwidgets.glm.inference.smoothness",
    "Smoothness": "glmwidgets.glm.inference.smoothness",
    "THRESHOLDS": "glmwidgets.glm.inference.heights",
    "Threshold": "glmwidgets.glm.inference.heights",
    "cluster_forest": "glmwidgets.glm.inference.adaptive",
    "cluster_maxima": "glmwidgets.glm.inference.cluster_stats",
    "cluster_true_discoveries": "glmwidgets.glm.inference.ari",
    "cluster_values": "glmwidgets.glm.inference.cluster_stats",
    "clusters_table": "glmwidgets.glm.inference.clusters",
    "correlation_by_distance": "glmwidgets.glm.inference.cluster_tables",
    "draw_cluster_table": "glmwidgets.glm.inference.cluster_tables",
    "ec_densities": "glmwidgets.glm.inference.random_fields",
    "enhanced_z": "glmwidgets.glm.inference.ptfce",
    "false_discovery_rate": "glmwidgets.glm.inference.heights",
    "find_clusters": "glmwidgets.glm.inference.clusters",
    "fit_autocorrelation": "glmwidgets.glm.inference.cluster_tables",
    "height_threshold": "glmwidgets.glm.inference.heights",
    "hommel_values": "glmwidgets.glm.inference.ari",
    "label_clusters": "glmwidgets.glm.inference.clusters",
    "make_lattice": "glmwidgets.glm.inference.cluster_stats",
    "neighbour_pairs": "glmwidgets.glm.inference.smoothness",
    "p_from_f": "glmwidgets.glm.inference.scores",
    "p_from_t": "glmwidgets.glm.inference.scores",
    "p_from_z": "glmwidgets.glm.inference.scores",
    "resel_counts": "glmwidgets.glm.inference.smoothness",
    "smoothness_of_residuals": "glmwidgets.glm.inference.smoothness",
    "table_of_clusters": "glmwidgets.glm.inference.clusters",
    "threshold_map": "glmwidgets.glm.inference.clusters",
    "z_from_f": "glmwidgets.glm.inference.scores",
    "z_from_p": "glmwidgets.glm.inference.scores",
    "z_from_t": "glmwidgets.glm.inference.scores",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
