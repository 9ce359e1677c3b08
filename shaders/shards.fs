/*{
  "DESCRIPTION": "The picture as cut glass: facets that drift apart, each with its own light.",
  "CREDIT": "DanceNet live",
  "ISFVSN": "2",
  "CATEGORIES": ["Geometry"],
  "DANCENET": {"PLACE": 45},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "scatter", "TYPE": "float", "LABEL": "How far facets drift apart", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.25},
    {"NAME": "size", "TYPE": "float", "LABEL": "How large facets are, heights", "MIN": 0.02, "MAX": 0.3, "DEFAULT": 0.09},
    {"NAME": "tint", "TYPE": "float", "LABEL": "How much colour facets have", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.7},
    {"NAME": "shimmer", "TYPE": "float", "LABEL": "How fast their light wanders", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.3}
  ],
  "PASSES": [
    {"TARGET": "clock", "PERSISTENT": true, "FLOAT": true, "WIDTH": "1", "HEIGHT": "1"},
    {}
  ]
}*/

#if defined(GL_ES) && __VERSION__ < 300
#extension GL_OES_standard_derivatives : enable  // fwidth, in a browser
#endif

float hash(vec2 p) {
    vec3 q = fract(vec3(p.xyx) * vec3(0.1031, 0.1030, 0.0973));
    q += dot(q, q.yzx + 33.33);
    return fract((q.x + q.y) * q.z);
}

vec3 palette(float part) {
    vec3 colour = mix(vec3(0.95, 0.92, 0.85), vec3(1.00, 0.70, 0.28), clamp(part * 4.0 - 0.4, 0.0, 1.0));
    colour = mix(colour, vec3(1.00, 0.35, 0.21), clamp(part * 4.0 - 1.2, 0.0, 1.0));
    colour = mix(colour, vec3(0.84, 0.27, 0.44), clamp(part * 4.0 - 2.0, 0.0, 1.0));
    return mix(colour, vec3(0.36, 0.27, 0.78), clamp(part * 4.0 - 3.0, 0.0, 1.0));
}

void main() {
    float now = IMG_NORM_PIXEL(clock, vec2(0.5)).r;
    if (PASSINDEX == 0) {
        gl_FragColor = vec4(fract(now + shimmer * clamp(TIMEDELTA, 0.0, 0.1) / 6.0));
        return;
    }
    vec2 shape = vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0);
    vec2 q = (isf_FragNormCoord - 0.5) * shape / size;
    // A grid of triangles, bent so that no two facets are alike.
    q += 0.34 * sin(q.yx * 1.7 + vec2(0.3, 2.1)) + 0.14 * sin(q.yx * 3.9 + q.xy);
    vec2 skew = vec2(q.x - 0.57735 * q.y, 1.1547 * q.y);
    vec2 cell = floor(skew);
    vec2 f = skew - cell;
    float upper = step(1.0, f.x + f.y);
    vec2 name = cell + 0.5 * upper + 200.0;
    // The distance to the nearest side, in facets.
    vec3 sides = upper > 0.5 ? vec3(1.0 - f.x, 1.0 - f.y, f.x + f.y - 1.0) : vec3(f.x, f.y, 1.0 - f.x - f.y);
    float side = min(sides.x, min(sides.y, sides.z));
    float a = hash(name);
    float b = hash(name + 57.0);
    float swing = 6.2831853 * (now + a);
    vec2 moved = (vec2(a, b) - 0.5) * 2.0 + 0.25 * vec2(cos(swing), sin(swing));
    vec2 at = isf_FragNormCoord + moved * scatter * (0.35 * size + 0.03) / shape;
    vec4 colour = IMG_NORM_PIXEL(inputImage, at);
    float light = 0.72 + 0.28 * sin(swing + 2.0 * (f.x - f.y));
    vec3 glass = mix(vec3(1.0), palette(fract(0.7 * b + 0.3 * a)), tint);
    float seam = smoothstep(0.0, 1.5 * fwidth(skew.y), side - 0.02 * scatter);
    float cut = mix(1.0, seam, min(1.0, 4.0 * scatter));
    gl_FragColor = vec4(colour.rgb * glass * light * cut, colour.a);
}
