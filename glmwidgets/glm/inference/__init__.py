"""From statistics to findings: p and z, thresholds, clusters, bounds on true discoveries."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "adaptive": "ClusterForest cluster_forest",
    "ari": "cluster_true_discoveries hommel_values",
    "cluster_p": "CLUSTER_TESTS ClusterP cluster_p",
    "cluster_stats": "Lattice cluster_maxima cluster_values make_lattice",
    "cluster_tables": "Autocorrelation ClusterTable correlation_by_distance draw_cluster_table fit_autocorrelation",
    "cluster_rows": "clusters_table table_of_clusters",
    "clusters": "Cluster Peak find_clusters label_clusters threshold_map",
    "heights": "THRESHOLDS Threshold false_discovery_rate height_threshold",
    "ptfce": "enhanced_z",
    "random_fields": "CLUSTER_METHODS RandomField ec_densities",
    "scores": "p_from_f p_from_t p_from_z z_from_f z_from_p z_from_t",
    "smoothness": "SMOOTHNESS Smoothness neighbour_pairs resel_counts smoothness_of_residuals",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
