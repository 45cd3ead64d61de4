/** A counter of one block device. */
export interface ContainerBlkioStatEntry {
  readonly major?: number | undefined
  readonly minor?: number | undefined
  readonly op?: string | undefined
  readonly value?: number | undefined
}

/** Block I/O. Only the first is there with cgroup v2. */
export interface ContainerBlkioStats {
  readonly io_service_bytes_recursive?: readonly ContainerBlkioStatEntry[] | undefined
  readonly io_serviced_recursive?: readonly ContainerBlkioStatEntry[] | null | undefined
  readonly io_queue_recursive?: readonly ContainerBlkioStatEntry[] | null | undefined
  readonly io_service_time_recursive?: readonly ContainerBlkioStatEntry[] | null | undefined
  readonly io_wait_time_recursive?: readonly ContainerBlkioStatEntry[] | null | undefined
  readonly io_merged_recursive?: readonly ContainerBlkioStatEntry[] | null | undefined
  readonly io_time_recursive?: readonly ContainerBlkioStatEntry[] | null | undefined
  readonly sectors_recursive?: readonly ContainerBlkioStatEntry[] | null | undefined
}

/** How often a CPU quota has stopped the processes. */
export interface ContainerThrottlingData {
  readonly periods?: number | undefined
  readonly throttled_periods?: number | undefined
  /** Nanoseconds. */
  readonly throttled_time?: number | undefined
}

/** CPU time in nanoseconds (on Windows, 100 ns). */
export interface ContainerCPUUsage {
  readonly total_usage?: number | undefined
  readonly percpu_usage?: readonly number[] | null | undefined
  readonly usage_in_kernelmode?: number | undefined
  readonly usage_in_usermode?: number | undefined
}

/** CPU use. Percentages follow from two samples. */
export interface ContainerCPUStats {
  readonly cpu_usage?: ContainerCPUUsage | undefined
  /** The host's, in nanoseconds. */
  readonly system_cpu_usage?: number | null | undefined
  readonly online_cpus?: number | null | undefined
  readonly throttling_data?: ContainerThrottlingData | undefined
}

/** Processes and threads. */
export interface ContainerPidsStats {
  readonly current?: number | null | undefined
  readonly limit?: number | null | undefined
}

/** Memory in bytes. */
export interface ContainerMemoryStats {
  /** Page cache included. */
  readonly usage?: number | null | undefined
  readonly max_usage?: number | null | undefined
  /** The kernel's memory.stat; its keys differ between cgroup v1 and v2. */
  readonly stats?: Readonly<Record<string, number | null>> | undefined
  readonly failcnt?: number | null | undefined
  readonly limit?: number | null | undefined
  /** Windows only. */
  readonly commitbytes?: number | null | undefined
  /** Windows only. */
  readonly commitpeakbytes?: number | null | undefined
  /** Windows only. */
  readonly privateworkingset?: number | null | undefined
}

/** Counters of one network interface. */
export interface ContainerNetworkStats {
  readonly rx_bytes?: number | undefined
  readonly rx_packets?: number | undefined
  readonly rx_errors?: number | undefined
  readonly rx_dropped?: number | undefined
  readonly tx_bytes?: number | undefined
  readonly tx_packets?: number | undefined
  readonly tx_errors?: number | undefined
  readonly tx_dropped?: number | undefined
  readonly endpoint_id?: string | null | undefined
  readonly instance_id?: string | null | undefined
}

/** Windows only. */
export interface ContainerStorageStats {
  readonly read_count_normalized?: number | null | undefined
  readonly read_size_bytes?: number | null | undefined
  readonly write_count_normalized?: number | null | undefined
  readonly write_size_bytes?: number | null | undefined
}

/** One sample of what a container uses. */
export interface ContainerStatsResponse {
  readonly id?: string | null | undefined
  readonly name?: string | null | undefined
  readonly os_type?: string | null | undefined
  /** When. RFC 3339. */
  readonly read?: string | undefined
  readonly cpu_stats?: ContainerCPUStats | undefined
  readonly memory_stats?: ContainerMemoryStats | undefined
  /** By interface. */
  readonly networks?: Readonly<Record<string, ContainerNetworkStats>> | null | undefined
  readonly pids_stats?: ContainerPidsStats | undefined
  readonly blkio_stats?: ContainerBlkioStats | undefined
  readonly num_procs?: number | undefined
  readonly storage_stats?: ContainerStorageStats | undefined
  /** When the sample before it was taken. */
  readonly preread?: string | undefined
  /** The sample before it. */
  readonly precpu_stats?: ContainerCPUStats | undefined
}
