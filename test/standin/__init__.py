"""A stand-in for the UR driver and the RealSense: their topics, services and actions over MuJoCo.

For bringing the physical executor up without hardware, faults included. It uses the real message
packages (control_msgs, ur_msgs, ur_dashboard_msgs) and does not start without them.
"""
