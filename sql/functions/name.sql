-- name.sql: words for numbers
--
-- Why:    people read names; dashboards must not each have a list of their own.
-- Needs:  0005-watch.sql, 0010-summary.sql
-- Locks:  none
-- Used:   sql/views
--
-- As in sql/views, these functions have no SET search_path: only without one does the
-- planner put them into the query that calls them.  All names are qualified.

-- "tcp", or the number as text for what is rare.
CREATE OR REPLACE FUNCTION flowkeep_view.protocol_name(in_protocol integer)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE in_protocol
               WHEN 1 THEN 'icmp' WHEN 2 THEN 'igmp' WHEN 4 THEN 'ipip' WHEN 6 THEN 'tcp'
               WHEN 17 THEN 'udp' WHEN 33 THEN 'dccp' WHEN 41 THEN 'ipv6' WHEN 46 THEN 'rsvp'
               WHEN 47 THEN 'gre' WHEN 50 THEN 'esp' WHEN 51 THEN 'ah' WHEN 58 THEN 'icmpv6'
               WHEN 88 THEN 'eigrp' WHEN 89 THEN 'ospf' WHEN 97 THEN 'etherip'
               WHEN 103 THEN 'pim' WHEN 112 THEN 'vrrp' WHEN 115 THEN 'l2tp'
               WHEN 132 THEN 'sctp' WHEN 136 THEN 'udplite'
               ELSE coalesce('protocol ' || in_protocol, 'unknown')
           END
$$;

COMMENT ON FUNCTION flowkeep_view.protocol_name
    IS 'name of an IP protocol; "protocol 99" where it has none here';

-- "https", "8443/tcp"; "other tcp" for port 0 of a protocol with ports, the sum of all
-- services that the collector does not know; "icmp" for a protocol without ports.
CREATE OR REPLACE FUNCTION flowkeep_view.service_name(in_protocol integer, in_port integer)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE
               WHEN in_protocol IS NULL OR in_protocol NOT IN (6, 17, 33, 132, 136)
               THEN flowkeep_view.protocol_name(in_protocol)
               WHEN coalesce(in_port, 0) = 0
               THEN 'other ' || flowkeep_view.protocol_name(in_protocol)
               ELSE coalesce(
                   CASE in_port
                       WHEN 20 THEN 'ftp-data' WHEN 21 THEN 'ftp' WHEN 22 THEN 'ssh'
                       WHEN 23 THEN 'telnet' WHEN 25 THEN 'smtp' WHEN 43 THEN 'whois'
                       WHEN 49 THEN 'tacacs' WHEN 53 THEN 'dns' WHEN 67 THEN 'dhcp'
                       WHEN 68 THEN 'dhcp' WHEN 69 THEN 'tftp' WHEN 80 THEN 'http'
                       WHEN 88 THEN 'kerberos' WHEN 110 THEN 'pop3' WHEN 111 THEN 'rpc'
                       WHEN 119 THEN 'nntp' WHEN 123 THEN 'ntp' WHEN 135 THEN 'msrpc'
                       WHEN 137 THEN 'netbios' WHEN 138 THEN 'netbios'
                       WHEN 139 THEN 'netbios' WHEN 143 THEN 'imap' WHEN 161 THEN 'snmp'
                       WHEN 162 THEN 'snmp-trap' WHEN 179 THEN 'bgp' WHEN 389 THEN 'ldap'
                       WHEN 445 THEN 'smb' WHEN 465 THEN 'smtps' WHEN 500 THEN 'ike'
                       WHEN 514 THEN CASE in_protocol WHEN 17 THEN 'syslog' END
                       WHEN 520 THEN CASE in_protocol WHEN 17 THEN 'rip' END
                       WHEN 546 THEN 'dhcpv6' WHEN 547 THEN 'dhcpv6' WHEN 554 THEN 'rtsp'
                       WHEN 587 THEN 'submission' WHEN 631 THEN 'ipp' WHEN 636 THEN 'ldaps'
                       WHEN 646 THEN 'ldp' WHEN 853 THEN 'dns-tls' WHEN 873 THEN 'rsync'
                       WHEN 989 THEN 'ftps-data' WHEN 990 THEN 'ftps' WHEN 993 THEN 'imaps'
                       WHEN 995 THEN 'pop3s' WHEN 1080 THEN 'socks' WHEN 1194 THEN 'openvpn'
                       WHEN 1433 THEN 'mssql' WHEN 1434 THEN 'mssql' WHEN 1521 THEN 'oracle'
                       WHEN 1645 THEN 'radius' WHEN 1646 THEN 'radius' WHEN 1701 THEN 'l2tp'
                       WHEN 1723 THEN 'pptp' WHEN 1812 THEN 'radius' WHEN 1813 THEN 'radius'
                       WHEN 1883 THEN 'mqtt' WHEN 1900 THEN 'ssdp' WHEN 2049 THEN 'nfs'
                       WHEN 2055 THEN 'netflow' WHEN 3128 THEN 'proxy'
                       WHEN 3260 THEN 'iscsi' WHEN 3306 THEN 'mysql' WHEN 3389 THEN 'rdp'
                       WHEN 3478 THEN 'stun' WHEN 4500 THEN 'ipsec-nat'
                       WHEN 4739 THEN 'ipfix' WHEN 4789 THEN 'vxlan' WHEN 5060 THEN 'sip'
                       WHEN 5061 THEN 'sips' WHEN 5201 THEN 'iperf' WHEN 5222 THEN 'xmpp'
                       WHEN 5353 THEN 'mdns' WHEN 5355 THEN 'llmnr'
                       WHEN 5432 THEN 'postgresql' WHEN 5671 THEN 'amqps'
                       WHEN 5672 THEN 'amqp' WHEN 5900 THEN 'vnc' WHEN 5985 THEN 'winrm'
                       WHEN 5986 THEN 'winrm' WHEN 6343 THEN 'sflow' WHEN 6379 THEN 'redis'
                       WHEN 6443 THEN 'kubernetes' WHEN 6514 THEN 'syslog-tls'
                       WHEN 6667 THEN 'irc' WHEN 8080 THEN 'http-alt'
                       WHEN 8443 THEN 'https-alt' WHEN 8883 THEN 'mqtts'
                       WHEN 9092 THEN 'kafka' WHEN 9100 THEN 'jetdirect'
                       WHEN 9200 THEN 'elasticsearch' WHEN 9418 THEN 'git'
                       WHEN 9996 THEN 'netflow' WHEN 10050 THEN 'zabbix'
                       WHEN 10051 THEN 'zabbix' WHEN 11211 THEN 'memcached'
                       WHEN 27017 THEN 'mongodb' WHEN 51820 THEN 'wireguard'
                       WHEN 443 THEN CASE in_protocol WHEN 17 THEN 'quic' ELSE 'https' END
                   END,
                   in_port || '/' || flowkeep_view.protocol_name(in_protocol))
           END
$$;

COMMENT ON FUNCTION flowkeep_view.service_name
    IS 'name of a service by protocol and port; "8445/tcp" where it has none here';

-- The watched group with the longest prefix that holds the host; null = none.
CREATE OR REPLACE FUNCTION flowkeep_view.group_of(in_host inet)
RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT n.group_name
      FROM flowkeep.watch_network AS n
     WHERE n.network >>= in_host
     ORDER BY masklen(n.network) DESC, n.group_name
     LIMIT 1
$$;

COMMENT ON FUNCTION flowkeep_view.group_of
    IS 'the watched group that a host is in; null = none';

-- "edge-1", or its address; with its domain if the device has several.
CREATE OR REPLACE FUNCTION flowkeep_view.exporter_label(in_exporter_id integer)
RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(e.name, host(e.address))
           || CASE WHEN EXISTS (SELECT FROM flowkeep.exporter AS o
                                 WHERE o.address = e.address AND o.id <> e.id)
                   THEN ' #' || e.domain
                   ELSE ''
              END
      FROM flowkeep.exporter AS e
     WHERE e.id = in_exporter_id
$$;

COMMENT ON FUNCTION flowkeep_view.exporter_label
    IS 'name of an exporter, or its address; with its domain if the device has several';

-- The buckets that the summaries have for an interval of a dashboard: seconds.
-- Fine ones are not kept for ever.
CREATE OR REPLACE FUNCTION flowkeep_view.grain_sec(
    in_from timestamptz,
    in_interval_ms bigint)
RETURNS integer
LANGUAGE sql STABLE
AS $$
    SELECT CASE
               WHEN in_interval_ms < 300000 AND in_from > now() - interval '3 days'
               THEN 60
               WHEN in_interval_ms < 1200000 AND in_from > now() - interval '35 days'
               THEN 300
               WHEN in_interval_ms < 21600000
               THEN 3600
               ELSE 21600
           END
$$;

COMMENT ON FUNCTION flowkeep_view.grain_sec
    IS 'bucket of the summaries to use for an interval: 60, 300, 3600 or 21600 seconds';

-- The width of a point in a picture: a whole number of buckets, not less than asked.
CREATE OR REPLACE FUNCTION flowkeep_view.width_sec(
    in_from timestamptz,
    in_interval_ms bigint)
RETURNS integer
LANGUAGE sql STABLE
AS $$
    SELECT greatest(1, ceil(in_interval_ms / 1000.0
                            / flowkeep_view.grain_sec(in_from, in_interval_ms)))::integer
           * flowkeep_view.grain_sec(in_from, in_interval_ms)
$$;

COMMENT ON FUNCTION flowkeep_view.width_sec
    IS 'width of a point in a picture: whole buckets of the summaries, in seconds';

-- Up to where the summaries hold everything; what is newer is in traffic_1m.
CREATE OR REPLACE FUNCTION flowkeep_view.summarised_until()
RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT coalesce((SELECT h.done_until
                       FROM flowkeep.housekeeping AS h
                      WHERE h.task = 'traffic_summarised'), '-infinity')
$$;

COMMENT ON FUNCTION flowkeep_view.summarised_until
    IS 'all received before this time is in the summaries';

-- "SYN ACK FIN"; null stays null.
CREATE OR REPLACE FUNCTION flowkeep_view.tcp_flag_names(in_flags integer)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN in_flags IS NOT NULL THEN
           concat_ws(' ', CASE WHEN in_flags & 2 > 0 THEN 'SYN' END,
                     CASE WHEN in_flags & 16 > 0 THEN 'ACK' END,
                     CASE WHEN in_flags & 8 > 0 THEN 'PSH' END,
                     CASE WHEN in_flags & 1 > 0 THEN 'FIN' END,
                     CASE WHEN in_flags & 4 > 0 THEN 'RST' END,
                     CASE WHEN in_flags & 32 > 0 THEN 'URG' END)
           END
$$;

COMMENT ON FUNCTION flowkeep_view.tcp_flag_names
    IS 'names of TCP flags';

-- "12.3 MB", SI, for where a dashboard cannot format a number.
CREATE OR REPLACE FUNCTION flowkeep_view.octets_text(in_octets double precision)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE
               WHEN in_octets >= 1e12 THEN round((in_octets / 1e12)::numeric, 1) || ' TB'
               WHEN in_octets >= 1e9 THEN round((in_octets / 1e9)::numeric, 1) || ' GB'
               WHEN in_octets >= 1e6 THEN round((in_octets / 1e6)::numeric, 1) || ' MB'
               WHEN in_octets >= 1e3 THEN round((in_octets / 1e3)::numeric, 1) || ' kB'
               ELSE round(in_octets::numeric) || ' B'
           END
$$;

COMMENT ON FUNCTION flowkeep_view.octets_text
    IS 'a number of octets as text, SI units';

-- Name of an interface as the exporter told it.
CREATE OR REPLACE FUNCTION flowkeep_view.interface_label(
    in_exporter_id integer,
    in_if_index integer)
RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT coalesce((SELECT coalesce(nullif(i.name, ''), nullif(i.description, ''))
                       FROM flowkeep.interface AS i
                      WHERE i.exporter_id = in_exporter_id AND i.if_index = in_if_index),
                    'interface ' || in_if_index)
$$;

COMMENT ON FUNCTION flowkeep_view.interface_label
    IS 'name of an interface as the exporter told it; "interface 7" when it did not';

-- What somebody typed into a dashboard; null when it is no address.
CREATE OR REPLACE FUNCTION flowkeep_view.address(in_text text)
RETURNS inet
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN host(trim(in_text)::inet)::inet;
EXCEPTION WHEN invalid_text_representation THEN
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION flowkeep_view.address
    IS 'an address out of a text; null when it is none';
