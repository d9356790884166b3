"""What RViz demands of a marker array; it shows the display in red otherwise."""

from visualization_msgs.msg import Marker, MarkerArray

# Which of x, y, z of a marker's scale RViz reads, by type.
_SCALES = {
    Marker.ARROW: "xy",
    Marker.CUBE: "xyz",
    Marker.LINE_STRIP: "x",
    Marker.LINE_LIST: "x",
    Marker.TEXT_VIEW_FACING: "xz",
}


def check_drawable(array: MarkerArray) -> None:
    """Assert that no two markers have the same name, and that each has size and orientation."""
    names = [(marker.ns, marker.id) for marker in array.markers]
    assert len(set(names)) == len(names), "RViz: Duplicate Marker Check"
    for marker in array.markers:
        if marker.action != Marker.ADD:
            continue
        assert marker.ns
        assert all(getattr(marker.scale, axis) > 0 for axis in _SCALES[marker.type])
        q = marker.pose.orientation
        assert abs(q.x**2 + q.y**2 + q.z**2 + q.w**2 - 1) < 1e-6
        assert marker.color.a > 0 or marker.colors
