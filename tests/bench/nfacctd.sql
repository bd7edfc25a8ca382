-- The table nfacctd.conf writes to.
CREATE TABLE acct (
    ip_src                   inet,
    ip_dst                   inet,
    port_src                 integer,
    port_dst                 integer,
    ip_proto                 smallint,
    tcp_flags                smallint,
    tos                      integer,
    iface_in                 integer,
    iface_out                integer,
    as_src                   bigint,
    as_dst                   bigint,
    peer_ip_src              inet,
    timestamp_start          timestamp,
    timestamp_start_residual integer,
    timestamp_end            timestamp,
    timestamp_end_residual   integer,
    packets                  bigint,
    bytes                    bigint,
    flows                    bigint,
    stamp_inserted           timestamp,
    stamp_updated            timestamp
);
