/*{
  "DESCRIPTION": "The dance between mirrors: a slow flower of limbs.",
  "CREDIT": "DanceNet live",
  "ISFVSN": "2",
  "CATEGORIES": ["Geometry"],
  "DANCENET": {"PLACE": 50},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "mirrors", "TYPE": "float", "LABEL": "How many mirrors", "MIN": 2.0, "MAX": 12.0, "DEFAULT": 6.0},
    {"NAME": "turn", "TYPE": "float", "LABEL": "How fast it turns, turns a minute", "MIN": -6.0, "MAX": 6.0, "DEFAULT": 0.5},
    {"NAME": "zoom", "TYPE": "float", "LABEL": "How near the picture is", "MIN": 0.5, "MAX": 3.0, "DEFAULT": 1.0},
    {"NAME": "centre", "TYPE": "point2D", "LABEL": "The point of the picture that all mirrors share", "MIN": [0.0, 0.0], "MAX": [1.0, 1.0], "DEFAULT": [0.5, 0.42]}
  ],
  "PASSES": [
    {"TARGET": "clock", "PERSISTENT": true, "FLOAT": true, "WIDTH": "1", "HEIGHT": "1"},
    {}
  ]
}*/

void main() {
    float dt = clamp(TIMEDELTA, 0.0, 0.1);
    if (PASSINDEX == 0) {
        // The angle is summed up, so that a change of speed never makes it jump.
        gl_FragColor = vec4(fract(IMG_NORM_PIXEL(clock, vec2(0.5)).r + turn * dt / 60.0));
        return;
    }
    float aspect = RENDERSIZE.x / RENDERSIZE.y;
    float spin = 6.2831853 * IMG_NORM_PIXEL(clock, vec2(0.5)).r;
    vec2 p = isf_FragNormCoord - 0.5;
    p.x *= aspect;
    float wedge = 3.14159265 / floor(mirrors + 0.5);
    float angle = atan(p.y, p.x) + spin;
    angle = abs(mod(angle, 2.0 * wedge) - wedge) - 0.5 * wedge;
    // The wedge looks up the body and turns about it slowly, so that the flower opens and closes.
    angle += 1.5707963 + 0.9 * sin(2.0 * spin);
    float radius = length(p) / zoom;
    vec2 at = centre + radius * vec2(cos(angle) / aspect, sin(angle));
    // Past its edges the picture is mirrored once more.
    at = 1.0 - abs(1.0 - mod(at, 2.0));
    gl_FragColor = IMG_NORM_PIXEL(inputImage, at);
}
